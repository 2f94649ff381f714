"""Taking secrets out of texts the platform wrote: an error may quote what it was sent."""

from __future__ import annotations

import html
import json
import re
from base64 import b64encode, urlsafe_b64encode
from collections.abc import Callable, Iterable, Iterator, Mapping
from typing import Any, Final
from urllib.parse import quote, quote_plus

import orjson

from headgate.secret import MASK, Secret

#: Below this length a value is masked only where it stands alone: a port of 22 is not in every 2022.
_SHORT = 5
#: From this many bytes on, a secret is looked for inside longer base64 too.
_LONG = 8
_HEX: Final = re.compile(r"%[0-9A-F]{2}")
#: Where a well answer speaks of what went wrong.
_ERRORS: Final = frozenset({"errors", "error", "errorMessage", "errorDetails"})
_NAMES = "client_secret|access_token|password|accountkey|sharedaccesssignature|sig"
#: What tokens and credentials look like, whoever they belong to.
_PATTERNS: tuple[tuple[re.Pattern[str], str], ...] = (
    (re.compile(r"(bearer\s+)[\w.~+/=-]+", re.IGNORECASE), rf"\g<1>{MASK}"),
    (re.compile(r"eyJ[\w-]{5,}\.[\w-]+(?:\.[\w-]*)?"), MASK),
    # The same in base64, which begins so whatever follows.
    (re.compile(r"ZXlK[\w+/-]{16,}(?:={1,2}|(?:%3D){1,2})?", re.IGNORECASE), MASK),
    # Connection strings and signed URLs.
    (re.compile(rf"((?:{_NAMES})=)[^&;\s\"']+", re.IGNORECASE), rf"\g<1>{MASK}"),
)


def spelt(secrets: Iterable[object]) -> tuple[str, ...]:
    """All spellings of ``secrets``, the longest first; for :func:`scrub`, where they are many and asked for often."""
    return tuple(sorted(_spellings(secrets), key=len, reverse=True))


def scrub(text: str, secrets: Iterable[object] = (), spellings: Iterable[str] = ()) -> str:
    """``text`` with every secret and everything that looks like one replaced by a mask.

    Args:
        text: What the platform wrote.
        secrets: Plain values (strings, numbers) that must not be seen, in no order; their JSON, HTML, URL and
            base64 spellings are looked for too.
        spellings: Those of others, from :func:`spelt`.
    """
    if not text:
        return text
    for spelling in (*spellings, *spelt(secrets)):
        if spelling not in text:
            continue
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


def known(*places: Any) -> frozenset[object]:
    """Every plain value inside a :class:`Secret` in ``places``: mappings, lists, and the fields of dataclasses.

    They are looked for by the encoder, which goes through a hundred thousand specs in the time that a walk of ours
    takes for ten thousand.

    Raises:
        TypeError: something in ``places`` is not JSON, and so could not be sent.
    """
    found: set[object] = set()

    def met(value: Any) -> Any:
        if isinstance(value, Secret):
            found.update(_leaves(value.reveal()))
            return None
        if isinstance(value, Mapping):
            return dict(value)
        raise TypeError(type(value).__name__)

    for place in places:
        orjson.dumps(place, met, orjson.OPT_NON_STR_KEYS)
    return frozenset(found)


def tell_nothing(body: Any, clean: Callable[[str], str]) -> None:
    """Clean, in place, what a well answer says of errors: a run that failed tells why, and may quote what it was given.

    All else stays as it came: what is fetched may be changed and sent back, and a mask must not be.
    """
    if isinstance(body, list):
        for inner in body:
            tell_nothing(inner, clean)
    elif isinstance(body, dict):
        for key, inner in body.items():
            if key in _ERRORS:
                body[key] = _cleaned(inner, clean)
            else:
                tell_nothing(inner, clean)


def _cleaned(value: Any, clean: Callable[[str], str]) -> Any:
    if isinstance(value, str):
        return clean(value)
    if isinstance(value, list):
        return [_cleaned(inner, clean) for inner in value]
    if isinstance(value, dict):
        return {key: _cleaned(inner, clean) for key, inner in value.items()}
    return value


def _spellings(secrets: Iterable[object]) -> set[str]:
    found: set[str] = set()
    for secret in secrets:
        text = str(secret)
        found |= _written(text)
        # A key of several lines is quoted line by line, or with its line ends gone.
        for line in text.splitlines():
            if len(line) >= _SHORT and line != text:
                found |= _written(line)
    return {text for text in found if text.strip()}


def _written(text: str) -> set[str]:
    """How ``text`` may stand in another: as it is, in JSON, HTML or a URL, and in base64."""
    whole = text.encode("utf-8", "surrogatepass")
    percent = {quote(whole, safe=""), quote(whole, safe="/"), quote_plus(whole)}
    found = {text, json.dumps(text)[1:-1], _orjson_text(text), html.escape(text), *percent}
    found |= {_HEX.sub(lambda match: match.group().lower(), each) for each in percent}
    if len(text) >= _SHORT:
        coded = {encode(whole).decode() for encode in (b64encode, urlsafe_b64encode)}
        found |= coded | {each.rstrip("=") for each in coded} | {quote(each, safe="") for each in coded}
    if len(whole) >= _LONG:  # part of something longer, such as user:password: by where it falls in the groups of three
        for before in (1, 2):
            inner = b64encode(bytes(before) + whole).decode().rstrip("=")
            found.add(inner[before + 1 : -1])
        found.add(b64encode(whole).decode().rstrip("=")[:-1])
    return found


def _orjson_text(text: str) -> str:
    """``text`` as the platform's own kind of JSON has it; as it is where that cannot be."""
    try:
        return orjson.dumps(text).decode()[1:-1]
    except TypeError:
        return text
