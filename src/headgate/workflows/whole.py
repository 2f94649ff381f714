"""From a flow before and after to the JSON Patch the platform is sent: add, replace and remove, on whole objects.

A replace on the platform drops what it does not name (trap 42), so what is sent is always the whole of the smallest
object whose replacement is documented: ``scheduleParams``, one selector, one list of fields (facts 2.6, 6.5, 11.1).
"""

from __future__ import annotations

from collections.abc import Mapping
from typing import Any, Final

from headgate.manifest.pointer import pointer_of
from headgate.workflows.patching import same

Operation = dict[str, Any]
Path = tuple[str | int, ...]

_SELECTORS: Final = ("segmentSelectors", "profileSelectors")


def operations(before: Mapping[str, Any], after: Mapping[str, Any]) -> list[Operation]:
    """The operations that make ``after`` of ``before``, in the order in which they hold."""
    return _members(before, after, (), {"transformations": _transformations})


def _members(before: Any, after: Any, path: Path, deeper: Mapping[str, Any]) -> list[Operation]:
    """Operations on the members of an object. ``deeper``: members that are not replaced whole, and by whom."""
    found: list[Operation] = []
    for key in [*before, *(key for key in after if key not in before)]:
        where = (*path, key)
        if key not in after:
            found.append({"op": "remove", "path": pointer_of(where)})
        elif key not in before:
            found.append(_operation("add", where, after[key]))
        elif not same(before[key], after[key]):
            go = deeper.get(key)
            found += go(before[key], after[key], where) if go else [_operation("replace", where, after[key])]
    return found


def _transformations(before: Any, after: Any, path: Path) -> list[Operation]:
    if not _lists(before, after) or len(before) != len(after):
        return [_operation("replace", path, after)]
    found: list[Operation] = []
    for index, (old, new) in enumerate(zip(before, after, strict=True)):
        where = (*path, index)
        if same(old, new):
            continue
        if _objects(old, new) and _only_differ(old, new, "params") and _objects(old["params"], new["params"]):
            found += _members(old["params"], new["params"], (*where, "params"), dict.fromkeys(_SELECTORS, _holder))
        else:
            found.append(_operation("replace", where, new))
    return found


def _holder(before: Any, after: Any, path: Path) -> list[Operation]:
    """``segmentSelectors`` or ``profileSelectors``: its selectors one by one, the rest of it whole."""
    if not _objects(before, after):
        return [_operation("replace", path, after)]
    return _members(before, after, path, {"selectors": _selectors})


def _selectors(before: Any, after: Any, path: Path) -> list[Operation]:
    if not _lists(before, after):
        return [_operation("replace", path, after)]
    kept = min(len(before), len(after))
    if len(before) > len(after) and (gone := _gone(before, after)) is not None:
        # Removes hold one after the other: the last first (trap 49).
        return [{"op": "remove", "path": pointer_of((*path, index))} for index in reversed(gone)]
    found = [
        _operation("replace", (*path, index), after[index])
        for index in range(kept)
        if not same(before[index], after[index])
    ]
    found += [{"op": "remove", "path": pointer_of((*path, index))} for index in range(len(before) - 1, kept - 1, -1)]
    return found + [_operation("add", (*path, "-"), value) for value in after[kept:]]


def _gone(before: list[Any], after: list[Any]) -> list[int] | None:
    """Which of ``before`` to leave out to get ``after``; ``None`` when that is not enough."""
    gone: list[int] = []
    at = 0
    for index, value in enumerate(before):
        if at < len(after) and same(value, after[at]):
            at += 1
        else:
            gone.append(index)
    return gone if at == len(after) else None


def _operation(op: str, path: Path, value: Any) -> Operation:
    return {"op": op, "path": pointer_of(path), "value": value}


def _lists(before: Any, after: Any) -> bool:
    return isinstance(before, list) and isinstance(after, list)


def _objects(before: Any, after: Any) -> bool:
    return isinstance(before, Mapping) and isinstance(after, Mapping)


def _only_differ(before: Mapping[str, Any], after: Mapping[str, Any], key: str) -> bool:
    return before.keys() == after.keys() and all(name == key or same(before[name], after[name]) for name in before)
