"""What the platform answers: the dozen shapes of its bodies, spelled here and nowhere else (facts 1.4,
1.5).
"""

from __future__ import annotations

from dataclasses import dataclass, field
from typing import Any

#: Titles of the Flow Service catalogue that differ from "Invalid request". Source: facts 1.5.
_TITLES = {
    "1403-400": "Header is missing",
    "1404-412": "Version not matching",
    "1439-404": "Resource not found",
    "2001-401": "Header is missing",
    "2002-401": "Header is missing",
    "2100-404": "Sandbox not found",
    "2105-400": "Header is missing",
}


@dataclass(slots=True)
class Ask:
    """One request as the rules see it. ``path`` is what follows the service's base path, without outer
    slashes.
    """

    method: str
    path: str
    query: list[tuple[str, str]]
    headers: Any
    body: bytes
    request_id: str
    endpoint: str = ""
    sandbox: str = ""
    lenient: bool = False


@dataclass(frozen=True, slots=True)
class Reply:
    """An answer before it is bytes. ``body`` is JSON-able; ``None`` is no body at all."""

    status: int
    body: Any = None
    headers: dict[str, str] = field(default_factory=dict)


class Refusal(Exception):
    """The platform says no.

    ``code`` is what the ledger counts. ``violation`` names the documented rule the client broke knowingly or
    carelessly; most refusals (a stale etag, a run in progress) are ordinary life and have none.
    """

    def __init__(self, code: str, reply: Reply, *, violation: str | None = None, detail: str = "") -> None:
        super().__init__(f"{code}: {detail}")
        self.code = code
        self.reply = reply
        self.violation = violation
        self.detail = detail


def gateway(status: int, code: str, message: str, *, violation: str | None = None) -> Refusal:
    """Shape (a): what the API gateway says before any service is reached."""
    return Refusal(code, Reply(status, {"error_code": code, "message": message}), violation=violation, detail=message)


def generic(status: int, title: str, detail: str, *, violation: str | None = None) -> Refusal:
    """Shape (b): the platform's generic problem."""
    body = {"type": "/placeholder/type/uri", "status": status, "title": title, "detail": detail}
    return Refusal(f"{status}:{title}", Reply(status, body), violation=violation, detail=detail)


def problem(code: str, detail: str, *, violation: str | None = None, **report: Any) -> Refusal:
    """Shape (e): the Flow Service problem; ``code`` like ``1455-400``, whose tail is the HTTP status."""
    status = int(code[-3:])
    body = {
        "type": f"https://ns.adobe.com/aep/errors/FLOW-{code}",
        "title": _TITLES.get(code, "Invalid request"),
        "status": status,
        "report": {"detailed-message": detail, **report},
        "errorMessage": detail,
        "errorDetails": detail,
    }
    return Refusal(code, Reply(status, body), violation=violation, detail=detail)


def message(status: int, text: str, *, code: str = "", violation: str | None = None) -> Refusal:
    """Shapes (f) and (g): a bare message, of create validation and of ad-hoc activation."""
    return Refusal(code or f"{status}:message", Reply(status, {"message": text}), violation=violation, detail=text)


def not_found(kind: str, entity_id: str) -> Refusal:
    """Shape (d): an unknown id of ``kind`` (``flows``, ``connections`` …)."""
    text = f"{kind} not found with id = [{entity_id}]"
    return Refusal(f"404:{kind}", Reply(404, {"errorMessage": text, "errorDetails": text}), detail=text)


def etag_conflict(sent: str, current: str) -> Refusal:
    """Shape (c): If-Match is stale, or lacks its double quotes (``current`` holds its own)."""
    text = f"Supplied version=[{sent}] does not match the current version on entity=[{current}]"
    return Refusal("412", Reply(412, {"errorMessage": text, "errorDetails": text}), detail=text)
