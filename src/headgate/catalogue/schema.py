"""The few words of JSON Schema that the catalogue's own data uses, checked with messages for people.

Known: type, enum, pattern, contentEncoding base64, properties (closed), required, format password
(unquoted). Stock validators are of no use here: Adobe's published schemas carry a ``conditional`` keyword,
they ignore it, and then every documented request is refused (traps 34, 67). Patterns need Python's engine
(look-aheads).
"""

from __future__ import annotations

import base64
import binascii
import re
from collections.abc import Mapping
from functools import lru_cache
from typing import Any

from headgate.catalogue.finding import Finding
from headgate.catalogue.meanings import MEANINGS, hinted
from headgate.catalogue.words import clipped, either, nearest, suggestion

Schema = Mapping[str, Any]

_TYPES: dict[str, tuple[type, ...]] = {
    "string": (str,),
    "integer": (int,),
    "number": (int, float),
    "boolean": (bool,),
    "object": (Mapping,),
    "array": (list, tuple),
}
_ARTICLES = {
    "string": "text",
    "integer": "a whole number",
    "number": "a number",
    "boolean": "true or false",
    "object": "a mapping",
    "array": "a list",
}


def type_name(value: Any) -> str:
    """What a person would call the type of ``value``; never the value itself."""
    if value is None:
        return "nothing"
    if isinstance(value, bool):
        return "true or false"
    for name in ("string", "integer", "number", "object", "array"):
        if isinstance(value, _TYPES[name]):
            return _ARTICLES[name]
    return type(value).__name__


@lru_cache(maxsize=64)
def _compiled(pattern: str) -> re.Pattern[str]:
    return re.compile(pattern)


def violations(schema: Schema, value: Any, key: str = "", *, secret: bool = False) -> list[Finding]:
    """Everything in ``value`` (secrets already revealed) that ``schema`` does not allow.

    Args:
        schema: One schema of the catalogue's data files.
        value: Plain JSON data.
        key: Dotted path of ``value``, the prefix of every finding's key.
        secret: Keep values out of messages, here and below.

    Returns:
        Findings in the order of the data; empty when it conforms. Values of secrets are never quoted.
    """
    secret = secret or schema.get("format") == "password"
    kind = schema.get("type")
    if kind is not None and not _is(kind, value):
        wrong = f"must be {_ARTICLES[kind]}, not {type_name(value)}"
        hint = str(schema.get("hint", "")) or _quote_hint(kind, value)
        return [Finding(key, wrong, hint or meaning(key.rpartition(".")[2]))]
    if isinstance(value, str):
        return _text(schema, value, key, secret=secret)
    if isinstance(value, Mapping) and "properties" in schema:
        return _object(schema, value, key, secret=secret)
    return []


def meaning(key: str) -> str:
    """What ``key`` means, as a hint: a sentence without its capital and its full stop."""
    return hinted(MEANINGS.get(key, ""))


def _is(kind: str, value: Any) -> bool:
    # True is an int in Python and no number in JSON.
    if isinstance(value, bool):
        return kind == "boolean"
    return isinstance(value, _TYPES[kind])


def _quote_hint(kind: str, value: Any) -> str:
    return "quote it to make it text" if kind == "string" and isinstance(value, (int, float)) else ""


def _is_good_text(schema: Schema, value: Any) -> bool:
    """Whether there is surely nothing to say of ``value``: asked of thousands, of which most are so."""
    if not isinstance(value, str) or schema.get("type") != "string" or "contentEncoding" in schema:
        return False
    if "enum" in schema:
        return value in schema["enum"]
    pattern = schema.get("pattern")
    return pattern is None or not (value.endswith("\n") or _compiled(pattern).search(value) is None)


def _text(schema: Schema, value: str, key: str, *, secret: bool) -> list[Finding]:
    if "enum" in schema:
        if value in schema["enum"]:
            return []
        shown = "" if secret else f" '{clipped(value)}'"
        choices = either(
            [repr(choice) if choice.strip() != choice or not choice else choice for choice in schema["enum"]]
        )
        return [Finding(key, f"the value{shown} is not one of the choices", f"use {choices}")]
    if "pattern" in schema and (value.endswith("\n") or not _compiled(schema["pattern"]).search(value)):
        ending = " (it ends with a line break)" if value.endswith("\n") else ""
        shown = "" if secret else f" '{clipped(value)}'"
        hint = str(schema.get("hint", ""))
        return [Finding(key, f"the value{shown} is not allowed here{ending}", hint or meaning(key.rpartition(".")[2]))]
    if schema.get("contentEncoding") == "base64" and not _is_base64(value):
        hint = str(schema.get("hint", ""))
        return [Finding(key, "the value is not base64", hint or "encode the whole key file with base64")]
    return []


def _is_base64(value: str) -> bool:
    try:
        base64.b64decode("".join(value.split()), validate=True)
    except (binascii.Error, ValueError):
        return False
    return bool(value.strip())


def _object(schema: Schema, value: Mapping[str, Any], key: str, *, secret: bool) -> list[Finding]:
    known: Mapping[str, Schema] = schema["properties"]
    prefix = f"{key}." if key else ""
    found: list[Finding] = []
    for name, inner in value.items():
        if inner and name in known and _is_good_text(known[name], inner):
            continue
        if name not in known:
            found.append(Finding(f"{prefix}{name}", "unknown key", suggestion(str(name), known, noun="known keys")))
        elif inner == "" and name in schema.get("required", ()):
            found.append(
                Finding(f"{prefix}{name}", "must not be empty", str(known[name].get("hint", "")) or meaning(str(name)))
            )
        else:
            found += violations(known[name], inner, f"{prefix}{name}", secret=secret)
    missing = [name for name in schema.get("required", ()) if name not in value]
    meant = {nearest(str(name), known) for name in value if name not in known} if missing else ()
    for name in missing:
        if name not in meant:  # a misspelt key is not also a missing one
            hint = known[name].get("hint", "") if name in known else ""
            found.append(Finding(f"{prefix}{name}", "missing", str(hint) or meaning(name)))
    return found
