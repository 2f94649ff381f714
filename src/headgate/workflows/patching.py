"""A change of a JSON object: applied to what was fetched, compared, and shown path by path. Pure.

``set`` maps pointers to values, made or replaced, parents included; ``patch`` is a strict JSON Patch (RFC 6902).
Both are worked out here and not by the platform, which knows three of the six operations and replaces whole objects.
"""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from copy import deepcopy
from typing import Any, Final

from headgate.manifest.pointer import index_of, pointer_of, steps_of

Change = Mapping[str, Any]
#: One leaf that differs: ``{"path", "from", "to"}``; ``from`` or ``to`` is missing where there is nothing.
Leaf = dict[str, Any]

_NOTHING: Final = object()


class PatchError(ValueError):
    """A change that does not fit the object."""


def applied(document: Mapping[str, Any], change: Change) -> dict[str, Any]:
    """``document`` after ``change``; the original is left alone.

    Args:
        document: JSON.
        change: ``{"set": [[pointer, value], …]}`` or ``{"patch": [{op, path, value | from}, …]}``.

    Raises:
        PatchError: a path does not resolve, or a test fails.
    """
    holder: dict[str, Any] = {"": deepcopy(dict(document))}
    for pointer, value in change.get("set", ()):
        _set(holder[""], steps_of(pointer), deepcopy(value))
    for operation in change.get("patch", ()):
        _operate(holder, operation)
    result = holder[""]
    if not isinstance(result, dict):
        raise PatchError("the patch replaces the whole object by something else")
    return result


def value_at(document: Any, steps: Sequence[str]) -> Any:
    """What stands at ``steps``.

    Raises:
        PatchError: nothing does.
    """
    for number, step in enumerate(steps):
        if isinstance(document, Mapping) and step in document:
            document = document[step]
        elif isinstance(document, list) and (index := index_of(step)) is not None and index < len(document):
            document = document[index]
        else:
            raise PatchError(f"there is no {pointer_of(steps[: number + 1])}")
    return document


def _set(document: dict[str, Any], steps: Sequence[str], value: Any) -> None:
    here: Any = document
    for number, step in enumerate(steps[:-1]):
        if isinstance(here, dict):
            if here.get(step) is None:  # absent, or null: made
                here[step] = {}
            here = here[step]
        else:
            here = value_at(here, steps[number : number + 1])
    last = steps[-1]
    if isinstance(here, dict):
        here[last] = value
    elif isinstance(here, list) and (index := index_of(last)) is not None and index < len(here):
        here[index] = value
    else:
        raise PatchError(f"there is no place for {pointer_of(steps)}")


def _operate(holder: dict[str, Any], operation: Mapping[str, Any]) -> None:
    op, path = operation["op"], ("", *steps_of(operation["path"]))
    match op:
        case "add":
            _add(holder, path, deepcopy(operation["value"]))
        case "remove":
            _take(holder, path)
        case "replace":
            value_at(holder, path)
            _put(holder, path, deepcopy(operation["value"]))
        case "test":
            if not same(value_at(holder, path), operation["value"]):
                raise PatchError(f"test of {operation['path']}: it has another value")
        case "copy":
            _add(holder, path, deepcopy(value_at(holder, ("", *steps_of(operation["from"])))))
        case "move":
            start = ("", *steps_of(operation["from"]))
            if path[: len(start)] == start and path != start:
                raise PatchError(f"{operation['from']} cannot be moved into itself")
            _add(holder, path, _take(holder, start))
        case _:
            raise PatchError(f"unknown operation {op!r}")


def _add(holder: Any, path: Sequence[str], value: Any) -> None:
    parent, last = value_at(holder, path[:-1]), path[-1]
    if not isinstance(parent, list):
        _put(holder, path, value)
        return
    index = len(parent) if last == "-" else index_of(last)
    if index is None or index > len(parent):
        raise PatchError(f"there is no place for {pointer_of(path[1:])}")
    parent.insert(index, value)


def _put(holder: Any, path: Sequence[str], value: Any) -> None:
    parent, last = value_at(holder, path[:-1]), path[-1]
    if isinstance(parent, dict):
        parent[last] = value
    elif isinstance(parent, list) and (index := index_of(last)) is not None:
        parent[index] = value
    else:
        raise PatchError(f"there is no place for {pointer_of(path[1:])}")


def _take(holder: Any, path: Sequence[str]) -> Any:
    value, parent = value_at(holder, path), value_at(holder, path[:-1])
    del parent[path[-1] if isinstance(parent, dict) else int(path[-1])]
    return value


def same(left: Any, right: Any) -> bool:
    """Equality of JSON values: unlike Python's, true is not 1."""
    if isinstance(left, bool) or isinstance(right, bool):
        return left is right
    if isinstance(left, Mapping) and isinstance(right, Mapping):
        return left.keys() == right.keys() and all(same(value, right[key]) for key, value in left.items())
    if isinstance(left, list) and isinstance(right, list):
        return len(left) == len(right) and all(map(same, left, right))
    return bool(left == right)


def covers(found: Any, wanted: Any) -> bool:
    """Whether ``found`` is ``wanted``, give or take keys that the platform adds to objects (facts 6.5)."""
    if isinstance(found, Mapping) and isinstance(wanted, Mapping):
        return all(key in found and covers(found[key], value) for key, value in wanted.items())
    if isinstance(found, list) and isinstance(wanted, list):
        return len(found) == len(wanted) and all(map(covers, found, wanted))
    return same(found, wanted)


def leaves(before: Any, after: Any, path: tuple[str | int, ...] = ()) -> list[Leaf]:
    """Every place where ``after`` differs from ``before``; lists of different length count as one place."""
    if isinstance(before, Mapping) and isinstance(after, Mapping):
        keys = [*before, *(key for key in after if key not in before)]
        return [
            leaf for key in keys for leaf in leaves(before.get(key, _NOTHING), after.get(key, _NOTHING), (*path, key))
        ]
    if isinstance(before, list) and isinstance(after, list) and len(before) == len(after):
        pairs = enumerate(zip(before, after, strict=True))
        return [leaf for index, (old, new) in pairs for leaf in leaves(old, new, (*path, index))]
    if before is after or (before is not _NOTHING and after is not _NOTHING and same(before, after)):
        return []
    leaf: Leaf = {"path": pointer_of(path)}
    if before is not _NOTHING:
        leaf["from"] = before
    if after is not _NOTHING:
        leaf["to"] = after
    return [leaf]


def in_place(document: Mapping[str, Any], changes: Sequence[Leaf]) -> bool:
    """Whether ``document`` shows all of ``changes``."""
    for leaf in changes:
        try:
            found = value_at(document, steps_of(leaf["path"]))
        except PatchError:
            found = _NOTHING
        if "to" not in leaf:
            if found is not _NOTHING:
                return False
        elif found is _NOTHING or not covers(found, leaf["to"]):
            return False
    return True
