"""File name templates of exported audiences: which macros exist, which are mandatory (facts 6.5).

Source: Adobe, "Activate audiences to batch destinations", read through the facts of June 2026.
"""

from __future__ import annotations

import re
from functools import lru_cache

from headgate.catalogue.finding import Finding
from headgate.catalogue.words import nearest, suggestion

#: The template Adobe's samples use; valid for both generations.
DEFAULT_TEMPLATE = "%DESTINATION_NAME%_%SEGMENT_ID%_%DATETIME(YYYYMMdd_HHmmss)%"
MAX_LENGTH = 255
LEGACY_MANDATORY = ("DESTINATION_NAME", "SEGMENT_ID")
LEGACY_MACROS = (*LEGACY_MANDATORY, "SEGMENT_NAME", "DATETIME", "TIMESTAMP")
CURRENT_MACROS = (
    *LEGACY_MACROS,
    "DESTINATION",
    "DESTINATION_INSTANCE_ID",
    "DESTINATION_INSTANCE_NAME",
    "ORGANIZATION_NAME",
    "SANDBOX_NAME",
)
_MACRO = re.compile(r"%([A-Za-z_]+)(\([^)%]*\))?%")


@lru_cache(maxsize=1024)
def check_filename(template: str, *, legacy: bool) -> tuple[Finding, ...]:
    """What is wrong with a ``filenameTemplate``; the findings' key is empty (the template itself)."""
    found: list[Finding] = []
    if not template.strip():
        return (Finding("", "must not be empty", "leave the key out for the usual template"),)
    if len(template) > MAX_LENGTH:
        found.append(Finding("", f"is {len(template)} characters long", f"at most {MAX_LENGTH} are allowed"))
    if "%" in _MACRO.sub("", template) or template.count("%") % 2:
        hint = "macros stand between two percent signs: %SEGMENT_ID%"
        return (*found, Finding("", "a macro is not closed", hint))
    known = LEGACY_MACROS if legacy else CURRENT_MACROS
    used = [match.group(1) for match in _MACRO.finditer(template)]
    strange = [name for name in used if name not in known]
    found += [Finding("", f"unknown macro '%{name}%'", suggestion(name, known, noun="macros")) for name in strange]
    # A misspelt macro is not also a missing one.
    there = {*used, *(nearest(name, known) for name in strange)}
    missing = [f"%{name}%" for name in LEGACY_MANDATORY if name not in there] if legacy else []
    if missing:
        hint = "this destination makes both macros mandatory"
        found.append(Finding("", f"lacks {' and '.join(missing)}", hint))
    if "DATETIME" in used and "TIMESTAMP" in used:
        found.append(Finding("", "has both %DATETIME% and %TIMESTAMP%", "keep one of the two"))
    if not found and not {"DATETIME", "TIMESTAMP"} & set(used):
        found.append(
            Finding(
                "",
                "names no time, so each export overwrites the last",
                "add %DATETIME(YYYYMMdd_HHmmss)%",
                severity="warning",
            )
        )
    return tuple(found)
