"""The last record of each job, for both stores: a journal is read once, and of most records only the number.

A store gives two texts for a stretch of records: its ``settled`` records as JSON, ``["settled",job,data],…``, and
``job,number,…`` of all others. The others are then asked for by number, where nothing later settled their jobs: few,
in a run that has come far. One text is a tenth of the cost of as many rows (measured on both stores).
"""

from __future__ import annotations

from typing import TYPE_CHECKING, Final

import orjson

if TYPE_CHECKING:
    from collections.abc import Callable, Iterator

    from headgate.engine.record import Last

#: Records in one stretch: what a text holds is bounded.
STRETCH: Final = 500_000


def stretches(after: int, last: int) -> Iterator[tuple[int, int]]:
    """From where to where to read: ``(after, upto]``."""
    while after < last:
        yield after, min(last, after + STRETCH)
        after += STRETCH


def latest(
    after: int, last: int, read: Callable[[int, int], tuple[str | None, str | None]], named: Callable[[str], str | None]
) -> list[Last]:
    """The last record of each job that has one in ``(after, last]``.

    Args:
        after: Number of the record before the first.
        last: Number of the last record.
        read: The two texts of a stretch, ``None`` where there is nothing.
        named: The records whose numbers a JSON list names, ``["intent",job,data],…``, oldest first.

    Raises:
        orjson.JSONDecodeError: the journal is not what it was when it was written.
    """
    found: list[Last] = []
    number: dict[int, int] = {}
    for stretch in stretches(after, last):
        settled, others = read(*stretch)
        found += orjson.loads(f"[{settled or ''}]")
        flat = orjson.loads(f"[{others or ''}]")
        number.update(zip(flat[::2], flat[1::2], strict=True))
    for _, job, _ in found:
        number.pop(job, None)
    if number:
        found += orjson.loads(f"[{named(orjson.dumps(sorted(number.values())).decode()) or ''}]")
    return found
