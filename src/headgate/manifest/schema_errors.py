"""What pydantic found in an entry's body, in the words of the other checks."""

from __future__ import annotations

import typing
from typing import TYPE_CHECKING, Any, Final

from pydantic import BaseModel, ValidationError

from headgate.catalogue import Finding
from headgate.catalogue.meanings import hinted
from headgate.catalogue.schema import type_name
from headgate.catalogue.words import nearest, suggestion
from headgate.manifest.keys import Path, key_text, value_at
from headgate.secret import revealed

if TYPE_CHECKING:
    from collections.abc import Iterable, Sequence

    from pydantic_core import ErrorDetails

_WANTED: Final = {
    "string_type": "text",
    "bool_type": "true or false",
    "bool_parsing": "true or false",
    "int_type": "a whole number",
    "int_parsing": "a whole number",
    "list_type": "a list",
    "dict_type": "a mapping",
    "model_type": "a mapping",
    "model_attributes_type": "a mapping",
}


def schema_findings(
    model: type[BaseModel], body: dict[str, Any], common: Sequence[str]
) -> tuple[list[Finding], set[Path]]:
    """Findings for everything the model refuses, and the paths about which nothing more should be said.

    Args:
        model: The entry kind's own keys.
        body: The entry's own keys, references resolved.
        common: Keys every entry may have besides, for "did you mean".
    """
    try:
        model.model_validate(body)
    except ValidationError as error:
        details = error.errors(include_url=False, include_input=False)
    else:
        return [], set()
    settled: set[Path] = set()
    for detail in details:
        if detail["type"] == "extra_forbidden":
            *above, key = detail["loc"]
            near = nearest(str(key), _keys(model, tuple(above), common))
            # A misspelt key is not also a missing one.
            settled |= {tuple(detail["loc"]), (*above, near)} if near else {tuple(detail["loc"])}
    found = []
    for detail in details:
        if detail["type"] == "missing" and tuple(detail["loc"]) in settled:
            continue
        settled.add(tuple(detail["loc"]))
        found.append(_finding(detail, model, body, common))
    return found, settled


def _finding(detail: ErrorDetails, model: type[BaseModel], body: dict[str, Any], common: Sequence[str]) -> Finding:
    path: Path = tuple(detail["loc"])
    key, kind, context = key_text(path), detail["type"], detail.get("ctx", {})
    said = _meaning(model, path)
    if kind == "missing":
        return Finding(key, "missing", said)
    if kind == "extra_forbidden":
        known = _keys(model, path[:-1], common)
        return Finding(key, "unknown key", suggestion(str(path[-1]), known, noun="known keys"))
    if kind in _WANTED:
        value = revealed(value_at(body, path))
        number = isinstance(value, (int, float)) and kind == "string_type"
        return Finding(
            key,
            f"must be {_WANTED[kind]}, not {type_name(value)}",
            "quote it to make it text" if number else said,
        )
    if kind == "literal_error":
        return Finding(key, "the value is not one of the choices", f"use {context.get('expected', '')}")
    if kind in ("string_too_short", "too_short"):
        return Finding(key, "must not be empty", said)
    return Finding(key, detail["msg"], said)


def _keys(model: type[BaseModel], path: Path, common: Sequence[str]) -> Iterable[str]:
    """The keys known at ``path`` of a model."""
    if not path:
        return (*_names(model), *common)
    for part in path:
        if isinstance(part, int):
            continue
        field = next((field for name, field in model.model_fields.items() if part in (name, field.alias)), None)
        inner = _model_in(field.annotation) if field is not None else None
        if inner is None:
            return ()
        model = inner
    return _names(model)


def _meaning(model: type[BaseModel], path: Path) -> str:
    """What the field at ``path`` means, in its own words; of a value of a list, what the list means."""
    said = ""
    for part in path:
        field = next((field for name, field in model.model_fields.items() if part in (name, field.alias)), None)
        if field is not None:
            said = hinted(field.description or "")
            model = _model_in(field.annotation) or model
    return said


def _names(model: type[BaseModel]) -> tuple[str, ...]:
    """The keys as they are written in a manifest."""
    return tuple(field.alias or name for name, field in model.model_fields.items())


def _model_in(annotation: Any) -> type[BaseModel] | None:
    if isinstance(annotation, type) and issubclass(annotation, BaseModel):
        return annotation
    for part in typing.get_args(annotation):
        found = _model_in(part)
        if found is not None:
            return found
    return None
