"""Dataclasses with slots that are made in a third of the time.

The standard library writes up to six methods for each class and compiles each as the module is loaded, which takes
longer than all else of most modules; a command loads a hundred such classes before its first request. Here the
constructor alone is written for each class: how instances compare and show themselves is the same code for all. That
nobody sets a field of a frozen one is for mypy to see, as the decorator tells it; so instances, too, are made faster.

All of :mod:`dataclasses` takes them for what they are, ``replace`` and ``fields`` included.
"""

from __future__ import annotations

from dataclasses import dataclass, field, fields
from operator import attrgetter
from typing import TYPE_CHECKING, Any, TypeVar, cast, dataclass_transform

if TYPE_CHECKING:
    from collections.abc import Callable

Class = TypeVar("Class", bound=type[Any])


@dataclass_transform(frozen_default=True, field_specifiers=(field,))
def frozen(cls: Class) -> Class:
    """A dataclass whose instances compare and hash by their fields, and are not to be changed.

    What the class says itself of how it compares, hashes or shows itself stays.
    """
    return _made(cls, hashed=True)


@dataclass_transform(field_specifiers=(field,))
def mutable(cls: Class) -> Class:
    """A dataclass whose instances compare by their fields, and have no hash, as they may change."""
    return _made(cls, hashed=False)


def _made(cls: Class, *, hashed: bool) -> Class:
    made = cast("Class", dataclass(slots=True, eq=False, repr=False)(cls))
    same, digest = _comparing([each.name for each in fields(made) if each.compare])
    for name, method in (("__eq__", same), ("__hash__", digest if hashed else None), ("__repr__", _shown)):
        if name not in cls.__dict__:
            setattr(made, name, method)
    return made


def _comparing(names: list[str]) -> tuple[Callable[[Any, object], bool], Callable[[Any], int]]:
    """Comparing and hashing by the fields of these names."""
    values: Callable[[Any], Any] = attrgetter(*names) if names else _nothing

    def same(self: Any, other: object) -> bool:
        return values(self) == values(other) if other.__class__ is self.__class__ else NotImplemented

    def digest(self: Any) -> int:
        return hash(values(self))

    return same, digest


def _nothing(_of: Any) -> tuple[()]:
    return ()


def _shown(self: Any) -> str:
    said = ", ".join(f"{each.name}={getattr(self, each.name)!r}" for each in fields(self) if each.repr)
    return f"{type(self).__qualname__}({said})"
