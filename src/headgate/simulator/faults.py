"""Trouble on purpose: which requests suffer, and what. Seeded, so that a story can be told again."""

from __future__ import annotations

import random
import re
from collections import Counter
from collections.abc import Mapping, Sequence
from dataclasses import dataclass, field
from pathlib import Path
from typing import Any

import yaml

KINDS = (
    "lost-after-commit",
    "lost-before-commit",
    "lost-twice",
    "status",
    "slow",
    "drip",
    "truncated",
    "half-json",
    "body",
    "html",
    "reset",
    "reset-in-body",
    "huge",
    "bomb",
    "endless",
    "loop",
    "clock",
    "conflict",
)
_KEYS = {"match", "fault", "times", "status", "body", "retry_after", "seconds", "megabytes"}
_MATCH_KEYS = {"method", "path", "nth", "every", "probability", "first"}


@dataclass(frozen=True, slots=True)
class Fault:
    """One rule of trouble.

    ``fault`` is what happens.

    The work is not done: *lost-before-commit* and *reset* close the connection unanswered (reset with a TCP RST);
    *status* answers ``status`` with ``body`` and perhaps ``Retry-After``; *html* answers a web page with ``status``,
    502 by default (with a 2xx the work is done).

    The work is done: *lost-after-commit* closes the connection unanswered, *lost-twice* does the same after doing the
    work two times, as a proxy in between does that repeats what it got no answer to; *slow* waits ``seconds`` of real
    time before it begins; *drip* sends a byte of the answer every ``seconds`` of real time; *truncated* sends half of
    the answer and closes, *reset-in-body* half of it and a RST; *half-json* sends half of the JSON as if it were all;
    *body* answers ``body`` (any JSON) instead of its own, with its own status or ``status``; *huge* answers
    ``megabytes`` of JSON, *bomb* the same as a small gzip; *endless* gives a list one more page, always, and *loop*
    one that leads back to itself; *clock* answers with a ``Date`` that is off by ``seconds`` (of platform time;
    negative is the past); *conflict* lets somebody else change the object of the path just before, so that its etag
    is not what the client read.

    ``nth`` (1-based), ``every`` and ``probability`` count the requests that match ``method`` and ``path``
    (a regular expression, searched for in the whole path); ``first`` counts them for each path: the first so many
    requests to every object suffer. With none of them every match does. ``times`` ends it.
    """

    fault: str
    method: str | None = None
    path: str = ""
    nth: int | None = None
    every: int | None = None
    probability: float | None = None
    first: int | None = None
    times: int | None = None
    status: int | None = None
    body: Any = None
    retry_after: float | None = None
    seconds: float = 1.0
    megabytes: int = 64
    pattern: re.Pattern[str] = field(init=False, repr=False, compare=False)

    def __post_init__(self) -> None:
        if self.fault not in KINDS:
            raise ValueError(f"fault: {self.fault!r} is not one of {', '.join(KINDS)}")
        if self.fault == "status" and self.status is None:
            raise ValueError("status: needed by fault 'status'")
        if self.status is not None and not 100 <= self.status <= 599:
            raise ValueError(f"status: {self.status} is not an HTTP status")
        for name in ("nth", "every", "times", "first", "megabytes"):
            value = getattr(self, name)
            if value is not None and (not isinstance(value, int) or isinstance(value, bool) or value < 1):
                raise ValueError(f"{name}: must be a whole number of at least 1, not {value!r}")
        if self.probability is not None and not 0 <= self.probability <= 1:
            raise ValueError(f"probability: must lie between 0 and 1, not {self.probability!r}")
        if sum(value is not None for value in (self.nth, self.every, self.probability, self.first)) > 1:
            raise ValueError("match: only one of nth, every, probability and first")
        try:
            object.__setattr__(self, "pattern", re.compile(self.path))
        except re.error as error:
            raise ValueError(f"match.path: not a regular expression: {error}") from None


def read_fault(row: Any, where: str) -> Fault:
    """A fault from its YAML or JSON form.

    Raises:
        ValueError: what is wrong, beginning with ``where``.
    """
    if not isinstance(row, Mapping):
        raise ValueError(f"{where}: must be a mapping")
    match = row.get("match") or {}
    if not isinstance(match, Mapping):
        raise ValueError(f"{where}.match: must be a mapping")
    for name, keys, known in (("", row, _KEYS), (".match", match, _MATCH_KEYS)):
        unknown = sorted(set(keys) - known)
        if unknown:
            raise ValueError(f"{where}{name}: unknown key {unknown[0]!r}; known: {', '.join(sorted(known))}")
    if "fault" not in row:
        raise ValueError(f"{where}.fault: missing; one of {', '.join(KINDS)}")
    values = {**{key: value for key, value in row.items() if key != "match"}, **match}
    if isinstance(values.get("method"), str):
        values["method"] = values["method"].upper()
    try:
        return Fault(**values)
    except (TypeError, ValueError) as error:
        raise ValueError(f"{where}.{error}") from None


def load_faults(path: Path | str) -> tuple[Fault, ...]:
    """Every fault of a YAML file: a list, or a mapping with the list under ``faults``.

    Raises:
        ValueError: the file cannot be read or a rule is wrong; the message names the file and the rule.
    """
    try:
        document = yaml.safe_load(Path(path).read_text(encoding="utf-8"))
    except OSError as error:
        raise ValueError(f"{path}: cannot be read: {error.strerror}") from error
    except (UnicodeDecodeError, yaml.YAMLError) as error:
        raise ValueError(f"{path}: not YAML: {error}") from error
    rows = document.get("faults") if isinstance(document, Mapping) else document
    if not isinstance(rows, Sequence) or isinstance(rows, str):
        text = f"{path}: must be a list of faults, or a mapping with the list under 'faults'"
        raise ValueError(text)
    return tuple(read_fault(row, f"{path}: faults[{index}]") for index, row in enumerate(rows))


class FaultBook:
    """The rules in force and their counters. The first rule that fires wins; every matching rule counts."""

    def __init__(self, faults: Sequence[Fault], seed: int) -> None:
        self._random = random.Random(f"faults:{seed}")
        self.replace(faults)

    def replace(self, faults: Sequence[Fault]) -> None:
        """Put other rules in force; counters begin anew."""
        self.faults = tuple(faults)
        self._seen = [0] * len(self.faults)
        self._seen_at: Counter[tuple[int, str]] = Counter()
        self.fired = [0] * len(self.faults)

    def pick(self, method: str, path: str) -> Fault | None:
        """The fault this request suffers, or ``None``."""
        picked: Fault | None = None
        for index, fault in enumerate(self.faults):
            if fault.method not in (None, method) or not fault.pattern.search(path):
                continue
            self._seen[index] += 1
            self._seen_at[index, path] += fault.first is not None
            if picked is None and self._fires(fault, index, path):
                self.fired[index] += 1
                picked = fault
        return picked

    def _fires(self, fault: Fault, index: int, path: str) -> bool:
        if fault.times is not None and self.fired[index] >= fault.times:
            return False
        if fault.nth is not None:
            return self._seen[index] == fault.nth
        if fault.first is not None:
            return self._seen_at[index, path] <= fault.first
        if fault.every is not None:
            return self._seen[index] % fault.every == 0
        return fault.probability is None or self._random.random() < fault.probability
