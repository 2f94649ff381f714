"""The last record of each job, for both stores: a journal is read once, and of most records only the number.

A store gives three texts for a stretch of records: the jobs that it settles, what of those was recorded, and
``job,number,…`` of all other records. Those are then asked for by number, where nothing settled their jobs: few, in a
run that has come far. One text is a tenth of the cost of as many rows (measured with SQLite).
"""

from __future__ import annotations

from typing import TYPE_CHECKING, Any, Final

import orjson

from headgate.engine.record import Latest

if TYPE_CHECKING:
    from collections.abc import Callable, Mapping

#: Records in one stretch: what a text holds is bounded.
STRETCH: Final = 500_000

Texts = tuple[str | None, str | None, str | None]


def latest(
    after: int, last: int, read: Callable[[int, int], Texts], named: Callable[[list[int]], str | None]
) -> Latest:
    """The last record of each job that has one in ``(after, last]``.

    Args:
        after: Number of the record before the first.
        last: Number of the last record.
        read: The three texts of the stretch ``(start, end]``, ``None`` where there is nothing.
        named: The records of these numbers as ``["intent",job,data],…``, oldest first.

    Raises:
        orjson.JSONDecodeError: the journal is not what it was when it was written.
    """
    settled: dict[int, Mapping[str, Any]] = {}
    number: dict[int, int] = {}
    for start in range(after, last, STRETCH):
        jobs, data, others = (orjson.loads(f"[{text or ''}]") for text in read(start, min(last, start + STRETCH)))
        settled.update(zip(jobs, data, strict=True))
        number.update(zip(others[::2], others[1::2], strict=True))
    wanted = sorted(number[job] for job in number.keys() - settled.keys())
    return Latest(last, settled, orjson.loads(f"[{named(wanted) or ''}]") if wanted else ())
