"""The messages of all cases, through the real code, as one text that is the same on every machine."""

from __future__ import annotations

import contextlib
import io
import os
import re
import tempfile
from pathlib import Path

from headgate.cli import app
from headgate.errors import StoreError
from headgate.platform import advice
from headgate.store import trouble
from tests.golden.cases import MANIFESTS, SECRET, SETTINGS, STATE, TROUBLE, USAGE, Case, prepare

FILE = Path(__file__).with_name("messages.txt")
#: Said of what was not done (or was kept), in one of these ways.
NOT_DONE = re.compile(
    r"(nothing|no manifest) (more )?(was|is) (sent|written|changed|started)|everything journaled before is kept|left as it is|as it was"
)
HEAD = """\
Every message that a person can cause, as they see it on stderr. Written by: python -m tests.golden
A change of a message is a change of this file, to be looked at.
"""


def collected() -> dict[str, list[tuple[str, str]]]:
    """Section -> (case, message), in the order of the tables."""
    return {
        "manifests": [(case.name, told(case)) for case in MANIFESTS],
        "command lines": [(case.name, told(case)) for case in USAGE],
        "settings": [(case.name, told(case)) for case in SETTINGS],
        "state and runs": [(case.name, told(case)) for case in STATE],
        "disk": [(name, _of_disk(error, code)) for name, error, code in TROUBLE],
        "the platform's codes": [(code, f"hint: {text}") for code, text in advice._BY_CODE.items()],
        "the platform's words": [(one, f"hint: {text}") for one, text in advice._BY_MESSAGE],
        "the platform's statuses": [(str(status), f"hint: {text}") for status, text in advice._BY_STATUS.items()],
    }


def rendered(sections: dict[str, list[tuple[str, str]]]) -> str:
    """The whole file."""
    parts = [HEAD]
    for section, cases in sections.items():
        parts.append(f"\n{'=' * 100}\n{section}\n{'=' * 100}\n")
        parts += [f"\n--- {name}\n{text.strip()}\n" for name, text in cases]
    return "".join(parts)


def told(case: Case) -> str:
    """What a case says on stderr, in a folder of its own, with nothing of this machine in it."""
    with tempfile.TemporaryDirectory() as name:
        folder = Path(name)
        prepare(folder, case.files)
        with _there(folder, {"S3_SECRET": SECRET, **case.env}):
            for argv in case.before:
                code, said = _run(argv)
                assert code == 0, f"{case.name}: {argv}: {said}"
            prepare(folder, case.then)
            code, said = _run(case.argv)
        text = said.replace(f"{folder.resolve()}/", "").replace(str(folder.resolve()), "FOLDER")
    assert code in (2, 3, 4), f"{case.name}: exit {code}: {said}"
    assert SECRET not in text
    assert "hushhush" not in text
    text = re.sub(r"spring-\d{8}-\d{6}-[0-9a-f]{4}", "spring-RUN", text)
    return re.sub(r"\b[0-9a-f]{16,64}\b", "HEX", text)


def _run(argv: tuple[str, ...]) -> tuple[int, str]:
    err = io.StringIO()
    with contextlib.redirect_stderr(err), contextlib.redirect_stdout(io.StringIO()):
        code = app.main(argv)
    return code, err.getvalue()


@contextlib.contextmanager
def _there(folder: Path, env: dict[str, str]):
    before, here = dict(os.environ), Path.cwd()
    for key in list(os.environ):
        if key.startswith(("HEADGATE_", "AEP_", "S3_", "PG")):
            del os.environ[key]
    os.environ.update(env)
    os.chdir(folder)
    try:
        yield
    finally:
        os.chdir(here)
        os.environ.clear()
        os.environ.update(before)


def _of_disk(error: Exception, code: int) -> str:
    if code:
        error.sqlite_errorcode = code
    try:
        with trouble.plainly(Path(".headgate/state.db")):
            raise error
    except StoreError as said:
        return f"error: {said.message}\nhint: {said.hint}"
