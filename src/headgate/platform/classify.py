"""What an answer means: pure, from status, headers and body to a verdict.

The one question behind it: may the platform be different now? A refusal (4xx) says no, a success says yes, a
5xx or a success whose body cannot be read leaves it open; and whoever asked must find out before asking
again, because creates are not idempotent and there is no idempotency key (facts 1.6, trap 66).
"""

from __future__ import annotations

from collections.abc import Callable, Mapping
from itertools import accumulate
from typing import Any, Final

import orjson

from headgate.exchange import NO_SANDBOX, Answer, Call, Problem, Verdict
from headgate.platform.dates import LONGEST_S, http_date, retry_after
from headgate.platform.problem import advised, hint_in_body, read_problem

#: Codes that mean the token, whatever their status says (facts 1.4, 1.5; trap 57).
_TOKEN_CODES = frozenset({"403010", "401013", "2114-400", "2115-400"})

#: Lists and objects inside each other that are read. The documents' deepest answers have a dozen; what is deeper could
#: exhaust the stack of whoever walks through it, or not be written down.
DEEPEST: Final = 100
_NOT_BRACKETS: Final = bytes(byte for byte in range(256) if byte not in b"[]{}")
_DEEPER: Final = {ord("["): 1, ord("{"): 1, ord("]"): -1, ord("}"): -1}

Scrub = Callable[[str], str]


def classify(
    call: Call,
    status: int,
    headers: Mapping[str, str],
    raw: bytes | None,
    *,
    scrub: Scrub | None = None,
    now_s: float = 0.0,
) -> Answer:
    """The answer to ``call``.

    Args:
        call: What was asked; a create needs an object back, anything else may be answered with nothing.
        status: HTTP status.
        headers: The answer's headers; names in any case if the mapping does not care, else lower case.
        raw: The whole body, ``b""`` when empty, ``None`` when it broke off or was too long to read.
        scrub: Takes secrets out of texts.
        now_s: Our time in epoch seconds, for a ``Retry-After`` date when the answer has no ``Date``.
    """
    text = headers.get("Date")
    date_s = http_date(text) if text else None
    body, readable = _parsed(raw)
    if 200 <= status < 300:
        # Catalog answers a creation with a list of references (trap 50); all others give the object.
        if readable and (isinstance(body, (dict, list)) or call.purpose != "create"):
            return Answer(Verdict.OK, status, body, date_s=date_s)
        return Answer(Verdict.LOST, status, problem=_unusable(status, raw, headers), date_s=date_s)
    problem = read_problem(status, body, raw or b"", headers.get("x-request-id", ""), scrub)
    hint = _hint(headers, body, now_s if date_s is None else date_s)
    verdict = _verdict(status, problem.code, hint)
    return Answer(verdict, status, problem=problem, retry_after_s=hint, date_s=date_s)


def stale_token(answer: Answer) -> bool:
    """Whether a fresh token may change this answer."""
    return answer.verdict is Verdict.REFUSED and (
        answer.status == 401 or (answer.problem is not None and answer.problem.code in _TOKEN_CODES)
    )


def trouble(verdict: Verdict, code: str, message: str, advice: str = "", status: int = 0) -> Answer:
    """An answer we give ourselves, because the platform's never came or cannot be used. ``code`` is ours."""
    return Answer(verdict, status, problem=advised(Problem(status, code, message, advice=advice)))


def _verdict(status: int, code: str, hint: float | None) -> Verdict:
    if status == 429 or (status == 503 and hint is not None):
        return Verdict.THROTTLED
    # 408: the server gave up on reading us or on itself; it does not say how far it got.
    if status >= 500 or status == 408:
        return Verdict.FAULT
    if status in {401, 403} or code in _TOKEN_CODES or code in NO_SANDBOX:
        return Verdict.REFUSED
    return Verdict.REJECTED


def _hint(headers: Mapping[str, str], body: Any, now_s: float) -> float | None:
    hint = retry_after(headers.get("Retry-After"), now_s)
    if hint is not None:
        return hint
    hint = hint_in_body(body)
    return None if hint is None else min(LONGEST_S, hint)


def _parsed(raw: bytes | None) -> tuple[Any, bool]:
    """The body as JSON, and whether it could be read; blank is readable and ``None``."""
    if raw is None:
        return None, False
    if not raw or raw.isspace():
        return None, True
    if too_deep(raw):
        return None, False
    try:
        return orjson.loads(raw), True
    except orjson.JSONDecodeError:
        return None, False


def too_deep(raw: bytes) -> bool:
    """Whether ``raw`` opens more than :data:`DEEPEST` brackets inside each other. Those in texts count as well."""
    if len(raw) <= DEEPEST or raw.count(b"[") + raw.count(b"{") <= DEEPEST:
        return False
    steps = map(_DEEPER.__getitem__, raw.translate(None, _NOT_BRACKETS))
    return max(accumulate(steps), default=0) > DEEPEST


def _unusable(status: int, raw: bytes | None, headers: Mapping[str, str]) -> Problem:
    """Why a success is none to us. Its text is not quoted: half a JSON body may hold anything."""
    if raw is None:
        message = "the answer broke off"
    elif not raw or raw.isspace():
        message = "success without an id"
    elif raw.lstrip()[:1] == b"<":
        message = "a web page instead of an answer"
    else:
        message = "the answer is not readable JSON"
    problem = Problem(status, "unusable_answer", message, headers.get("x-request-id", "")[:128])
    return advised(problem)
