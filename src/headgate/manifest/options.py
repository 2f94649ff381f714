"""The ``options:`` of a manifest, checked one by one. They hold for a run of it, under the flags."""

from __future__ import annotations

from collections.abc import Callable, Mapping
from typing import Any, Final

from headgate.catalogue.finding import Finding
from headgate.catalogue.meanings import hinted
from headgate.catalogue.words import suggestion
from headgate.classes import frozen
from headgate.pacing.rate import parse_rate, parse_share

#: Adobe's limit for one ad-hoc activation job.
MOST_AUDIENCES: Final = 80


def _rate(value: Any) -> str | None:
    return _parsed(parse_rate, value, "must be a rate above zero: 50/s or 3000/min")


def _share(value: Any) -> str | None:
    return _parsed(parse_share, value, "must be a number of jobs or a share: 10 or 5%")


def _parsed(parse: Callable[[Any], object], value: Any, message: str) -> str | None:
    try:
        parse(value)
    except (ValueError, TypeError):
        return message
    return None


def _count(least: int, most: int | None) -> Callable[[Any], str | None]:
    bounds = f"of {least} or more" if most is None else f"from {least} to {most}"

    def check(value: Any) -> str | None:
        fits = isinstance(value, int) and not isinstance(value, bool)
        fits = fits and value >= least and (most is None or value <= most)
        return None if fits else f"must be a whole number {bounds}"

    return check


def _seconds(value: Any) -> str | None:
    fits = isinstance(value, (int, float)) and not isinstance(value, bool) and value > 0
    return None if fits else "must be seconds above zero"


def _on_error(value: Any) -> str | None:
    return None if value in ("continue", "stop") else "must be continue or stop"


def _mapping(value: Any) -> str | None:
    return None if isinstance(value, Mapping) else "must be a mapping"


@frozen
class Option:
    """One option: what it means, its check, and the check's form as JSON Schema."""

    meaning: str
    check: Callable[[Any], str | None]
    form: Mapping[str, Any]


def _whole(meaning: str, least: int, most: int) -> Option:
    return Option(meaning, _count(least, most), {"type": "integer", "minimum": least, "maximum": most})


RETRY: Final[Mapping[str, Option]] = {
    "attempts": _whole("Tries in all.", 1, 100),
    "first_s": Option(
        "The first wait is at most this, in seconds.", _seconds, {"type": "number", "exclusiveMinimum": 0}
    ),
    "cap_s": Option("No wait is longer, in seconds.", _seconds, {"type": "number", "exclusiveMinimum": 0}),
}
OPTIONS: Final[Mapping[str, Option]] = {
    "rate": Option("Requests at most: 50/s, 3000/min.", _rate, {"type": ["string", "number"]}),
    "concurrency": _whole("Requests under way at once, at most.", 1, 10_000),
    "tolerate": Option(
        "The run stops when more of an entry's rows fail than this: 10, or 5%.",
        _share,
        {"type": ["string", "number"]},
    ),
    "audiencesPerJob": _whole("Pairs in one ad-hoc activation job, at most.", 1, MOST_AUDIENCES),
    "onError": Option(
        "Whether what does not depend on a failed job goes on.",
        _on_error,
        {"type": "string", "enum": ["continue", "stop"]},
    ),
    "retry": Option("How often and how fast a request is tried again.", _mapping, {"type": "object"}),
}
_TEXT: Final = ("rate", "tolerate")


def read_options(value: Any) -> tuple[dict[str, Any], list[Finding]]:
    """Options as the engine takes them (``rate`` and ``tolerate`` as text), and what is wrong."""
    if value is None:
        return {}, []
    if not isinstance(value, Mapping):
        return {}, [Finding("", "must be a mapping", f"keys: {', '.join(OPTIONS)}")]
    found: list[Finding] = []
    done: dict[str, Any] = {}
    for key, inner in value.items():
        if key == "retry" and isinstance(inner, Mapping):
            found += [finding.under("retry") for finding in _checked(inner, RETRY)]
            done[key] = dict(inner)
            continue
        found += _checked({key: inner}, OPTIONS)
        done[key] = str(inner).strip() if key in _TEXT else inner
    return done, found


def _checked(value: Mapping[str, Any], known: Mapping[str, Option]) -> list[Finding]:
    found = []
    for key, inner in value.items():
        if key not in known:
            found.append(Finding(key, "unknown key", suggestion(key, known, noun="known keys")))
            continue
        message = known[key].check(inner)
        if message is not None:
            hint = f"Adobe allows {MOST_AUDIENCES} at most" if key == "audiencesPerJob" else hinted(known[key].meaning)
            found.append(Finding(key, message, hint))
    return found
