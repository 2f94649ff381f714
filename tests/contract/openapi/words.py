"""What is wrong with a value, in words that name places without their indexes: one line for a thousand like cases."""

from __future__ import annotations

from typing import TYPE_CHECKING, Any

if TYPE_CHECKING:
    from collections.abc import Iterable, Iterator

    from jsonschema import ValidationError


def words(error: ValidationError, prefix: str = "") -> Iterator[str]:
    """One error: ``params.mode: enum, 'S3'``. Where no alternative fits, what is wrong with the nearest."""
    at = place(error.absolute_path)
    if error.validator in ("oneOf", "anyOf") and error.context:
        branches: dict[Any, list[ValidationError]] = {}
        for inner in error.context:
            branches.setdefault(inner.schema_path[0], []).append(inner)
        nearest = min(branches.values(), key=lambda inner: (_weight(inner), -min(len(e.absolute_path) for e in inner)))
        for inner in nearest:
            yield from words(inner, f"{prefix}no alternative fits, nearest: ")
        return
    match error.validator:
        case "oneOf":
            said = "oneOf, but more than one alternative fits"
        case "required":
            said = f"required {error.message.partition(' is a required')[0]}"
        case "type":
            said = f"type {error.validator_value}, not {kind(error.instance)}"
        case "enum" | "pattern" | "format":
            said = f"{error.validator}, {shown(error.instance)}"
        case _:
            said = str(error.validator)
    yield f"{prefix}{at}: {said}"


def _weight(errors: list[ValidationError]) -> int:
    return sum(_weight(error.context) if error.context else 1 for error in errors)


def place(path: Iterable[Any]) -> str:
    """``transformations[].params`` for a JSON path; ``body`` for the whole."""
    text = ""
    for step in path:
        text += "[]" if isinstance(step, int) else f".{step}"
    return text.lstrip(".") or "body"


def kind(value: Any) -> str:
    """The JSON type of a value."""
    if value is None:
        return "null"
    names = {bool: "boolean", int: "integer", float: "number", str: "string", list: "array", dict: "object"}
    return names[type(value)]


def shown(value: Any) -> str:
    """A short value; a long one by its type."""
    text = repr(value)
    return text if len(text) <= 40 else f"a {kind(value)}"


def joined(lines: Iterable[str]) -> list[str]:
    """Lines without repetition; the required keys of one place as one line."""
    found: dict[str, list[str]] = {}
    for line in lines:
        head, sep, name = line.partition(": required ")
        names = found.setdefault(head + sep, [])
        if name not in names:
            names.append(name)
    return [head + ", ".join(sorted(names)) for head, names in found.items()]


def keys_of(value: Any, at: str = "") -> Iterator[tuple[str, str]]:
    """Every ``(place, key)`` of a value."""
    if isinstance(value, list):
        for each in value:
            yield from keys_of(each, at + "[]")
    elif isinstance(value, dict):
        for key, inner in value.items():
            yield at, key
            yield from keys_of(inner, f"{at}.{key}")


def unnamed(spec: Any, schemas: list[Any], value: Any, at: str = "") -> Iterator[tuple[str, str]]:
    """``(place, key)`` of keys that no alternative of ``schemas`` names, where they name keys at all."""
    flat = list(_flat(spec, schemas))
    if isinstance(value, list):
        items = [schema["items"] for schema in flat if "items" in schema]
        if items:
            for each in value:
                yield from unnamed(spec, items, each, at + "[]")
        return
    if not isinstance(value, dict) or not any("properties" in schema for schema in flat):
        return
    more = [schema["additionalProperties"] for schema in flat if schema.get("additionalProperties")]
    for key, inner in value.items():
        named = [schema["properties"][key] for schema in flat if key in schema.get("properties", {})]
        if named:
            yield from unnamed(spec, named, inner, f"{at}.{key}")
        elif not more:
            yield at, key


def _flat(spec: Any, schemas: list[Any]) -> Iterator[dict[str, Any]]:
    for schema in schemas:
        found = spec.resolved(schema)
        if not isinstance(found, dict):
            continue
        yield found
        for word in ("allOf", "oneOf", "anyOf"):
            yield from _flat(spec, found.get(word, []))
