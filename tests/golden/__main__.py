"""Write the golden files anew: ``python -m tests.golden``. Look at the difference before it is kept."""

from tests.golden import screens
from tests.golden.collect import FILE, collected, rendered

FILE.write_text(rendered(collected()), encoding="utf-8")
print(FILE)
screens.FILE.write_text(screens.rendered(), encoding="utf-8")
print(screens.FILE)
