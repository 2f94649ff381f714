"""One :class:`~headgate.exchange.Problem` out of a dozen error body shapes (facts 1.4 a-l, trap 53).

The platform has no one way to say no: the gateway, Flow Service, ad-hoc activation, segmentation and the
rest each have their own, a proxy may put an HTML page in front, and some errors have no body at all. This
reads them all by the names of their fields, not by who sent them, so that a shape met in the wrong place is
still understood.
"""

from __future__ import annotations

import html
import re
from dataclasses import replace
from typing import TYPE_CHECKING, Any

from headgate.exchange import Problem
from headgate.platform.advice import advise
from headgate.platform.dates import number

if TYPE_CHECKING:
    from collections.abc import Callable

#: Messages are for people and are journaled; a page of text helps neither.
LONGEST = 500
#: What is looked at of a message: patterns may take the square of a text's length.
_LOOKED_AT = 4096
#: What is left out at the end of a text that was cut before secrets were taken out of it: it may be half a secret.
_MARGIN = 1024

_CODE = re.compile(r"(?:[A-Z][A-Z0-9]*-)?\d{3,6}-\d{3}", re.ASCII)
_TITLE = re.compile(r"<title[^>]*>(.*?)</title>", re.IGNORECASE | re.DOTALL)
_MESSAGE_KEYS = (
    "errorMessage",
    "message",
    "detail",
    "description",
    "error_description",
    "errorDetails",
    "title",
)
_ID_KEYS = ("request-id", "requestId", "registryRequestId", "request_id", "x-request-id")


def read_problem(
    status: int, body: Any, raw: bytes, header_request_id: str = "", scrub: Callable[[str], str] | None = None
) -> Problem:
    """What an answer that is not well says, normalised.

    Args:
        status: HTTP status; it is trusted above what the body claims (trap 54).
        body: The parsed JSON body, or ``None`` when it is empty or not JSON.
        raw: The body as it came, at least its beginning.
        header_request_id: ``x-request-id`` of the answer, used when the body has none.
        scrub: Takes secrets out of a text. Applied before the text is cut, so that no half secret stays.

    Returns:
        ``code`` without the ``FLOW-`` prefix and ``message`` of at most 500 characters; either may be empty
        only if there was nothing to read.
    """
    if isinstance(body, list) and body and isinstance(body[0], dict):
        body = body[0]
    code, message, request_id = _read_dict(body) if isinstance(body, dict) else ("", _read_text(raw), "")
    if not message:
        message = f"HTTP {status} without an explanation"
    cut = len(message) > _LOOKED_AT
    code, message, request_id = code[:_LOOKED_AT], message[:_LOOKED_AT], request_id[:_LOOKED_AT]
    if scrub is not None:
        code, message, request_id = scrub(code), scrub(message), scrub(request_id)
    if cut:
        message = f"{message[:-_MARGIN]} …"
    return advised(Problem(status, code[:64], message, request_id[:128] or header_request_id[:128]))


def advised(problem: Problem) -> Problem:
    """``problem`` on one line of at most 500 characters, with what to do about it where that is known."""
    message = " ".join(problem.message.split())
    if len(message) > LONGEST:
        message = message[: LONGEST - 1] + "…"
    # Advice is looked up by the whole text: a pattern may lie beyond the cut.
    advice = problem.advice or advise(problem.status, problem.code, problem.message)
    return replace(problem, message=message, advice=advice)


def hint_in_body(body: Any) -> float | None:
    """Seconds from ``retryAfterMs`` (facts 1.4 k: milliseconds, as a string), or ``None``."""
    found = number(body.get("retryAfterMs")) if isinstance(body, dict) else None
    return None if found is None else max(0.0, found / 1000)


def _read_dict(body: dict[str, Any]) -> tuple[str, str, str]:
    """Code, message and request id of a JSON object; empty where it does not say."""
    report = body.get("report")
    report = report if isinstance(report, dict) else {}
    inner = _inner_error(body)
    message = (
        _text(report.get("detailed-message"))
        or _first(body, _MESSAGE_KEYS[:-1])
        or _first(inner, _MESSAGE_KEYS)
        or _first(body, _MESSAGE_KEYS)
    )
    title = _text(body.get("title"))
    if title and message and title != message and not report:
        message = f"{title}: {message}"
    request_id = _first(report, _ID_KEYS) or _first(body, _ID_KEYS) or _first(inner, _ID_KEYS)
    return _code(body, inner), message, request_id


def _code(body: dict[str, Any], inner: dict[str, Any]) -> str:
    """The most telling code there is: a catalogue code, else a gateway code, else an OAuth error word."""
    for text in (_text(inner.get("code")), _text(body.get("type")), _text(body.get("code"))):
        match = _CODE.fullmatch(text.rsplit("/", 1)[-1])
        if match is not None:
            return match.group().removeprefix("FLOW-")
    error = body.get("error")
    return (
        _text(body.get("error_code"))
        or _text(body.get("errorCode"))
        or _text(inner.get("code"))
        or _text(body.get("code"))
        or (error if isinstance(error, str) else "")
        or (_text(body.get("title")) if "status" in body or "type" in body else "")
    )


def _inner_error(body: dict[str, Any]) -> dict[str, Any]:
    """The first error inside ``errors`` or ``error``: lists by status (facts 1.4 i), a list, or an object."""
    found: Any = body.get("errors") or body.get("error")
    if isinstance(found, dict) and not {"code", "message"} & found.keys():
        found = next(iter(found.values()), None)
    if isinstance(found, list):
        found = next(iter(found), None)
    return found if isinstance(found, dict) else {}


def _read_text(raw: bytes) -> str:
    """A body that is no JSON object, for people: an HTML page's title, or the text itself."""
    text = raw[: 2 * _LOOKED_AT].decode("utf-8", "replace").strip()
    if not text.startswith("<"):
        return text
    title = _TITLE.search(text)
    page = html.unescape(" ".join(title.group(1).split())) if title else ""
    return f"a web page instead of an answer: {page}" if page else "a web page instead of an answer"


def _first(source: dict[str, Any], keys: tuple[str, ...]) -> str:
    return next((text for key in keys if (text := _text(source.get(key)))), "")


def _text(value: Any) -> str:
    """A string or a number as text (``error_code`` comes as both, facts 1.4 a); anything else is nothing."""
    if isinstance(value, str):
        return value
    return str(value) if isinstance(value, (int, float)) and not isinstance(value, bool) else ""
