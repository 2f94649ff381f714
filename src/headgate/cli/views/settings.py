"""Every setting with its value and the layer it came from; secrets are masked."""

from __future__ import annotations

from typing import TYPE_CHECKING

from headgate.report.render_table import table

if TYPE_CHECKING:
    from headgate.settings import Profile


def text(profile: Profile) -> str:
    """A table in the fields' order."""
    return "\n".join(table([["setting", "value", "layer"], *map(list, profile.describe())], most=(0, 70)))


def as_json(profile: Profile) -> str:
    """A list of ``{key, value, layer}``."""
    import orjson

    rows = [{"key": key, "value": value, "layer": layer} for key, value, layer in profile.describe()]
    return orjson.dumps(rows, option=orjson.OPT_INDENT_2).decode()
