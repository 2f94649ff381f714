"""What changed between two states of a page, small enough to be sent twice a second. Pure.

A state is a JSON object. Most of its members are small and are sent whole when they change; of tables (lists of rows)
only the rows that changed are sent, and of columns only what was added at their end. The page's script
(``assets/live.js``) puts them together again.
"""

from __future__ import annotations

from typing import TYPE_CHECKING, Any, Final

if TYPE_CHECKING:
    from collections.abc import Mapping, Sequence

State = dict[str, Any]

#: Members that are lists of rows.
TABLES: Final = ("items", "pairs", "runs")
#: Members with columns of equal length, and what names them.
COLUMNS: Final = {"jobs": ("key", "began", "ended", "band", "lane", "ending", "item")}


def delta(old: Mapping[str, Any], new: Mapping[str, Any]) -> State:
    """What turns ``old`` into ``new``; empty where nothing does.

    Returns:
        ``set``: members to be replaced; ``gone``: those to be removed; ``rows``: for each table its length and
        ``[number, row]`` of the rows that changed; ``tails``: for each set of columns how many of each stay, what
        follows them, and its other members.
    """
    change: State = {}
    whole: State = {}
    for name, value in new.items():
        before = old.get(name)
        if value is before or value == before:
            continue
        if name in TABLES and before is not None:
            change.setdefault("rows", {})[name] = _rows(before, value)
        elif name in COLUMNS and before is not None:
            change.setdefault("tails", {})[name] = _tail(before, value, COLUMNS[name])
        else:
            whole[name] = value
    if whole:
        change["set"] = whole
    gone = [name for name in old if name not in new]
    if gone:
        change["gone"] = gone
    return change


def _rows(before: Sequence[Any], now: Sequence[Any]) -> list[Any]:
    """The new length, and the rows that are not what they were."""
    shared = min(len(before), len(now))
    changed = [[at, now[at]] for at in range(shared) if now[at] != before[at]]
    return [len(now), [*changed, *([at, now[at]] for at in range(shared, len(now)))]]


def _tail(before: Mapping[str, Any], now: Mapping[str, Any], names: Sequence[str]) -> State:
    """How much of the columns stays, and what follows it. What is not a column is small."""
    stay = len(before[names[0]])
    if any(now[name][:stay] != before[name] for name in names):
        stay = 0
    rest = {name: value for name, value in now.items() if name not in names}
    return {"stay": stay, "more": {name: now[name][stay:] for name in names}, "rest": rest}
