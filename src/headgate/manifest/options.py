"""The ``options:`` of a manifest, checked one by one. They hold for a run of it, under the flags."""

from __future__ import annotations

from collections.abc import Callable, Mapping
from typing import Any, Final

from headgate.catalogue.finding import Finding
from headgate.catalogue.words import suggestion
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


_RETRY: Final[Mapping[str, Callable[[Any], str | None]]] = {
    "attempts": _count(1, 100),
    "first_s": _seconds,
    "cap_s": _seconds,
}
_OPTIONS: Final[Mapping[str, Callable[[Any], str | None]]] = {
    "rate": _rate,
    "concurrency": _count(1, 10_000),
    "tolerate": _share,
    "audiencesPerJob": _count(1, MOST_AUDIENCES),
    "onError": _on_error,
}
_TEXT: Final = ("rate", "tolerate")


def read_options(value: Any) -> tuple[dict[str, Any], list[Finding]]:
    """Options as the engine takes them (``rate`` and ``tolerate`` as text), and what is wrong."""
    if value is None:
        return {}, []
    if not isinstance(value, Mapping):
        return {}, [Finding("", "must be a mapping", f"keys: {', '.join(_OPTIONS)}")]
    found: list[Finding] = []
    done: dict[str, Any] = {}
    for key, inner in value.items():
        if key == "retry" and isinstance(inner, Mapping):
            found += [finding.under("retry") for finding in _checked(inner, _RETRY)]
            done[key] = dict(inner)
            continue
        found += _checked({key: inner}, {**_OPTIONS, "retry": lambda _: "must be a mapping"})
        done[key] = str(inner).strip() if key in _TEXT else inner
    return done, found


def _checked(value: Mapping[str, Any], known: Mapping[str, Callable[[Any], str | None]]) -> list[Finding]:
    found = []
    for key, inner in value.items():
        if key not in known:
            found.append(Finding(key, "unknown key", suggestion(key, known, noun="known keys")))
            continue
        message = known[key](inner)
        if message is not None:
            hint = f"Adobe allows {MOST_AUDIENCES} at most" if key == "audiencesPerJob" else ""
            found.append(Finding(key, message, hint))
    return found
