"""Taking secrets out of texts the platform wrote: an error may quote what it was sent."""

from __future__ import annotations

import re
from collections.abc import Iterable, Iterator, Mapping
from typing import Any
from urllib.parse import quote

import orjson

from headgate.secret import MASK, Secret

#: Below this length a value is masked only where it stands alone: a port of 22 is not in every 2022.
_SHORT = 5
_NAMES = "client_secret|access_token|password|accountkey|sharedaccesssignature|sig"
#: What tokens and credentials look like, whoever they belong to.
_PATTERNS: tuple[tuple[re.Pattern[str], str], ...] = (
    (re.compile(r"(bearer\s+)[\w.~+/=-]+", re.IGNORECASE), rf"\g<1>{MASK}"),
    (re.compile(r"eyJ[\w-]{5,}\.[\w-]+(?:\.[\w-]*)?"), MASK),
    # Connection strings and signed URLs.
    (re.compile(rf"((?:{_NAMES})=)[^&;\s\"']+", re.IGNORECASE), rf"\g<1>{MASK}"),
)


def scrub(text: str, secrets: Iterable[object] = ()) -> str:
    """``text`` with every secret and everything that looks like one replaced by a mask.

    Args:
        text: What the platform wrote.
        secrets: Plain values (strings, numbers) that must not be seen, in no order; their JSON and URL
            spellings are looked for too.
    """
    if not text:
        return text
    for spelling in sorted(_spellings(secrets), key=len, reverse=True):
        if len(spelling) >= _SHORT:
            text = text.replace(spelling, MASK)
        else:
            text = re.sub(rf"(?<!\w){re.escape(spelling)}(?!\w)", lambda _: MASK, text)
    for pattern, mask in _PATTERNS:
        text = pattern.sub(mask, text)
    return text


def secrets_in(value: Any) -> Iterator[object]:
    """Every plain value inside a :class:`Secret` anywhere in ``value``."""
    if isinstance(value, Secret):
        yield from _leaves(value.reveal())
    elif isinstance(value, Mapping):
        for inner in value.values():
            yield from secrets_in(inner)
    elif isinstance(value, (list, tuple)):
        for inner in value:
            yield from secrets_in(inner)


def _leaves(value: Any) -> Iterator[object]:
    """The scalars inside a revealed value."""
    if isinstance(value, Secret):
        yield from _leaves(value.reveal())
    elif isinstance(value, Mapping):
        for inner in value.values():
            yield from _leaves(inner)
    elif isinstance(value, (list, tuple)):
        for inner in value:
            yield from _leaves(inner)
    elif isinstance(value, (str, int, float)) and not isinstance(value, bool):
        yield value


def _spellings(secrets: Iterable[object]) -> set[str]:
    found: set[str] = set()
    for secret in secrets:
        text = str(secret)
        found |= {text, orjson.dumps(text).decode()[1:-1], quote(text, safe="")}
        # A key of several lines is quoted line by line, or with its line ends gone.
        found |= {line for line in text.splitlines() if len(line) >= _SHORT}
    return {text for text in found if text.strip()}
