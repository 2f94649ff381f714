"""From the JSON of a frozen dataclass back to it, by its annotations: tuples come back as tuples.

For what our own program has written, of types it knows: nothing is checked here.
"""

from __future__ import annotations

import collections.abc
import types
import typing
from collections.abc import Callable
from dataclasses import fields, is_dataclass
from typing import Any

#: What annotations may name that their modules import for type checkers only.
_NAMES = {name: getattr(collections.abc, name) for name in ("Collection", "Mapping", "Sequence")}

Rebuild = Callable[[Any], Any]


def rebuilder(of: type) -> Rebuild:
    """What makes an ``of`` from its JSON, which it may change."""
    hints = typing.get_type_hints(of, localns=_NAMES)
    parts = [(field.name, part) for field in fields(of) if (part := _part(hints[field.name])) is not None]
    new = object.__new__
    # The constructor of a frozen dataclass goes a longer way for each field than straight into its slot.
    put = [(field.name, getattr(of, field.name).__set__) for field in fields(of)] if hasattr(of, "__slots__") else []

    def rebuild(data: dict[str, Any]) -> Any:
        for name, part in parts:
            data[name] = part(data[name])
        if not put:
            return of(**data)
        made: Any = new(of)
        for name, into in put:
            into(made, data[name])
        return made

    return rebuild


def _part(hint: Any) -> Rebuild | None:
    """What JSON of type ``hint`` must go through; ``None`` where it is itself already."""
    origin, args = typing.get_origin(hint), typing.get_args(hint)
    if origin is tuple:
        return _tuple(args)
    if origin in (typing.Union, types.UnionType):
        inner = next((part for arg in args if (part := _part(arg)) is not None), None)
        return None if inner is None else lambda value: None if value is None else inner(value)
    if isinstance(hint, type) and is_dataclass(hint):
        return rebuilder(hint)
    return None


def _tuple(args: tuple[Any, ...]) -> Rebuild:
    if args[-1:] == (Ellipsis,):
        inner = _part(args[0])
        return tuple if inner is None else lambda value: tuple(map(inner, value))
    parts = [_part(arg) for arg in args]
    if not any(parts):
        return tuple
    return lambda value: tuple(one if part is None else part(one) for part, one in zip(parts, value, strict=True))
