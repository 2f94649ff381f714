"""What jobs ask of the platform and what they are told: the words shared by workflows, engine and platform.

Pure data. ``workflows`` makes :class:`Call`s, ``platform`` performs them and classifies what came back as an
:class:`Answer`, the engine carries both and decides what a bad answer means.
"""

from __future__ import annotations

from enum import StrEnum
from typing import Any, Final, Literal

from headgate.classes import frozen, mutable

Service = Literal["flow", "adhoc", "segmentation", "schemaregistry", "catalog", "conversion"]
Purpose = Literal["create", "write", "read", "lookup", "poll"]


@frozen
class Call:
    """One request, before headers, host and token.

    ``path`` is relative to the service's base path (``/flows/<id>``); ``endpoint`` is its template
    (``PATCH /flows/{id}``), the key of every count and limit. ``body`` may hold :class:`~headgate.secret.Secret`
    values. Facts: aep-api 1.1, 2.1.
    """

    method: Literal["GET", "POST", "PATCH", "PUT", "DELETE"]
    service: Service
    path: str
    endpoint: str
    purpose: Purpose
    query: tuple[tuple[str, str], ...] = ()
    body: Any = None
    headers: tuple[tuple[str, str], ...] = ()
    #: Follow ``_links.next`` and answer with all items together (``{"items": [...]}``).
    paged: bool = False

    @property
    def effect(self) -> bool:
        """Whether the platform may be different afterwards, so that the intent must be journaled first."""
        return self.method != "GET"


#: The code of a refusal by the token endpoint.
NO_TOKEN: Final = "no_token"  # noqa: S105 - the name of a trouble, not a secret
#: Codes of "there is no such sandbox" (facts 1.5): no request of a run gets through.
NO_SANDBOX: Final = frozenset({"2100-404", "2101-404", "2103-404", "2106-404"})


class Verdict(StrEnum):
    """What an answer means for the one who asked."""

    OK = "ok"  # 2xx with a usable body (or a 2xx whose body does not matter)
    REJECTED = "rejected"  # the platform said no, and will say no again
    THROTTLED = "throttled"  # 429, or a 503 with Retry-After: not done, ask later
    FAULT = "fault"  # 5xx: an effect may or may not have happened
    LOST = "lost"  # left us, no usable answer (timeout, reset, truncated, HTML): may have happened
    NOT_SENT = "not_sent"  # never left us (refused connection, DNS): safe to send again
    REFUSED = "refused"  # credentials, permission or sandbox, after one token refresh (401, 403)


@frozen
class Problem:
    """A platform error of any of its dozen body shapes, normalised (facts 1.4, trap 53)."""

    status: int
    code: str
    message: str
    request_id: str = ""
    advice: str = ""


@mutable
class Answer:
    """What came of one attempt. ``body`` is parsed JSON, or ``None`` when empty."""

    verdict: Verdict
    status: int = 0
    body: Any = None
    problem: Problem | None = None
    retry_after_s: float | None = None
    #: The platform's ``Date`` header, epoch seconds: its clock decides holds (contract 4).
    date_s: float | None = None
    elapsed_s: float = 0.0
    #: HTTP requests this took (token refresh and further pages included).
    requests: int = 1
    #: Of these, requests for a token.
    tokens: int = 0
    #: Bytes of the body it was read from.
    size: int = 0
