"""Folder name templates of exported datasets: which macros exist (facts 7.4).

Without a template the platform writes to ``<path>/<dataset id>/exportTime=…``; file names are always its own and
unique, so no macro is mandatory.
"""

from __future__ import annotations

import re
from functools import lru_cache
from typing import Final

from headgate.catalogue.finding import Finding
from headgate.catalogue.words import suggestion

MACROS: Final = (
    "DESTINATION",
    "DATASET_ID",
    "DATASET_NAME",
    "DATETIME(YYYYMMdd_HHmmss)",
    "EXPORT_TIME",
    "DESTINATION_INSTANCE_NAME",
    "DESTINATION_INSTANCE_ID",
    "SANDBOX_NAME",
    "ORGANIZATION_NAME",
)
_NAMES: Final = tuple(name.partition("(")[0] for name in MACROS)
_MACRO = re.compile(r"%([A-Za-z_]+)(\([^)%]*\))?%")


@lru_cache(maxsize=1024)
def check_folder(template: str) -> tuple[Finding, ...]:
    """What is wrong with a ``foldernameTemplate``; the findings' key is empty (the template itself)."""
    if not template.strip():
        return (Finding("", "must not be empty", "leave the key out for the platform's own folders"),)
    found: list[Finding] = []
    if "%" in _MACRO.sub("", template):
        found.append(Finding("", "a macro is not closed", "macros stand between two percent signs: %DATASET_ID%"))
    for match in _MACRO.finditer(template):
        name, argument = match.groups()
        if name not in _NAMES:
            found.append(Finding("", f"unknown macro '%{name}%'", suggestion(name, _NAMES, noun="macros")))
        elif argument is not None and name != "DATETIME":
            found.append(Finding("", f"the macro %{name}% takes nothing in brackets", f"write %{name}%"))
        elif argument is None and name == "DATETIME":
            found.append(Finding("", "the macro %DATETIME% names no format", "write %DATETIME(YYYYMMdd_HHmmss)%"))
    return tuple(found)
