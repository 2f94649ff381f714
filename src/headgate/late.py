"""Tables whose values stand in modules of their own, each loaded when it is first asked for.

A command then pays for what it uses: of the kinds of entries, those of its manifest; of the kinds of jobs, its plan's.
"""

from __future__ import annotations

from collections.abc import Callable, Iterator, Mapping, MutableMapping
from importlib import import_module
from typing import Any, TypeVar

Value = TypeVar("Value")


class Late(MutableMapping[str, Value]):
    """A mapping that knows all its keys, and of each value where it is to be found."""

    def __init__(self, package: str, places: Mapping[str, str], make: Callable[[Any], Value]) -> None:
        """Load nothing yet.

        Args:
            package: In which all modules stand, ``"headgate.workflows"``.
            places: By key, ``"module:name"``.
            make: The value, of what stands there.
        """
        self._package, self._places, self._make = package, dict(places), make
        self._made: dict[str, Value] = {}

    def __getitem__(self, key: str) -> Value:
        try:
            return self._made[key]
        except KeyError:
            module, _, name = self._places[key].partition(":")
            found = getattr(import_module(f"{self._package}.{module}"), name)
            made = self._made[key] = self._make(found)
            return made

    def __setitem__(self, key: str, value: Value) -> None:
        self._places.setdefault(key, "")
        self._made[key] = value

    def __delitem__(self, key: str) -> None:
        del self._places[key]
        self._made.pop(key, None)

    def __contains__(self, key: object) -> bool:
        return key in self._places

    def __iter__(self) -> Iterator[str]:
        return iter(self._places)

    def __len__(self) -> int:
        return len(self._places)
