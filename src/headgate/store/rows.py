"""A run as a row: its columns in the order of :class:`~headgate.store.contract.RunRow`, mappings as JSON text."""

from __future__ import annotations

from contextlib import suppress
from typing import TYPE_CHECKING, Any, Final

import orjson

from headgate.errors import StoreError
from headgate.store.contract import RunRow

if TYPE_CHECKING:
    from collections.abc import Iterable, Mapping, Sequence

COLUMNS: Final = "id, manifest, path, sandbox, fingerprint, status, started_at, finished_at, open, args, counters"


def packed(value: Mapping[str, Any]) -> str:
    """A mapping as it is stored."""
    return orjson.dumps(value).decode()


def run_row(row: Sequence[Any]) -> RunRow:
    """The run of one row of ``COLUMNS``.

    Raises:
        StoreError: it is not what was stored.
    """
    try:
        values = [*row[:-2], orjson.loads(row[-2]), orjson.loads(row[-1])]
    except orjson.JSONDecodeError as error:
        raise StoreError(
            f"the state store is broken: what it says of run {row[0]} cannot be read",
            hint="restore it from a copy, or use another --state",
        ) from error
    return RunRow(*values)


def run_values(run: RunRow) -> tuple[Any, ...]:
    """The values of ``COLUMNS``."""
    return (
        run.id,
        run.manifest,
        run.path,
        run.sandbox,
        run.fingerprint,
        run.status,
        run.started_at,
        run.finished_at,
        run.open,
        packed(run.args),
        packed(run.counters),
    )


def histograms(rows: Iterable[Sequence[Any]]) -> dict[str, dict[str, float]]:
    """Lengths of runs from rows of key and JSON text. What cannot be read is not known: it will be learnt again."""
    found: dict[str, dict[str, float]] = {}
    for key, text in rows:
        with suppress(ValueError, AttributeError, TypeError):
            found[key] = {str(step): float(count) for step, count in orjson.loads(text).items()}
    return found
