"""How a field of a grammar's model says what it means, so that loader, JSON Schema and help have one source."""

from __future__ import annotations

from collections.abc import Callable
from typing import Annotated, Any

from pydantic import BeforeValidator
from pydantic_core import PydanticCustomError


def shaped(form: Callable[[], dict[str, Any]]) -> Callable[[dict[str, Any]], None]:
    """A field whose value is checked elsewhere: ``form`` gives its JSON Schema, when one is asked for."""

    def fill(schema: dict[str, Any]) -> None:
        for key in ("type", "additionalProperties", "anyOf"):
            schema.pop(key, None)
        described = schema.get("description")
        schema.update(form())
        if described is not None:
            schema["description"] = described

    return fill


def fixed(form: dict[str, Any]) -> Callable[[dict[str, Any]], None]:
    """As :func:`shaped`, for a form that is written out where it is used."""
    return shaped(lambda: dict(form))


def _no_truth(value: Any) -> Any:
    if isinstance(value, bool):
        raise PydanticCustomError("int_type", "must be a whole number")
    return value


#: A whole number, or text that is one. Truths are numbers to Python only.
Whole = Annotated[int, BeforeValidator(_no_truth)]
