"""The few words of JSON Schema that the published auth and target specs use."""

from __future__ import annotations

import re
from collections.abc import Mapping
from functools import lru_cache
from typing import Any

_TYPES: dict[str, type | tuple[type, ...]] = {
    "string": str,
    "object": dict,
    "array": list,
    "boolean": bool,
    "integer": int,
    "number": (int, float),
}


@lru_cache(maxsize=256)
def _compiled(pattern: str) -> re.Pattern[str]:
    return re.compile(pattern)


def first_problem(value: Any, schema: Mapping[str, Any], at: str) -> str | None:
    """The first way ``value`` breaks ``schema``, or ``None``. Never quotes the value: it may be a secret.

    Patterns use lookaheads and escapes that only a backtracking engine takes (trap 67); Python's is one.
    """
    wanted = schema.get("type")
    if wanted is not None and (
        not isinstance(value, _TYPES[wanted]) or (isinstance(value, bool) and wanted in ("integer", "number"))
    ):
        return f"'{at}' must be of type {wanted}"
    if "enum" in schema and value not in schema["enum"]:
        return f"'{at}' must be one of {schema['enum']}"
    if "pattern" in schema and isinstance(value, str) and not _compiled(schema["pattern"]).search(value):
        return f"'{at}' does not match the pattern {schema['pattern']}"
    if isinstance(value, Mapping):
        for name in schema.get("required", ()):
            if name not in value:
                return f"'{at}.{name}' is required"
        for name, inner in schema.get("properties", {}).items():
            if name in value:
                found = first_problem(value[name], inner, f"{at}.{name}")
                if found:
                    return found
    return None
