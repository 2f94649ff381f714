"""One request, from its bytes to its answer: throttle, gateway, service, book. Synchronous, so never
interleaved.
"""

from __future__ import annotations

from typing import TYPE_CHECKING, Any

from headgate.simulator import adhoc, catalog, dataprep, flowservice, gateway, ims, registry, segmentation
from headgate.simulator.reply import Ask, Refusal, Reply, generic

if TYPE_CHECKING:
    from collections.abc import Callable

    from headgate.simulator.world import World

_SERVICES = (
    (flowservice.BASE + "/", flowservice.handle),
    (adhoc.BASE + "/", adhoc.handle),
    (segmentation.BASE + "/", segmentation.handle),
    (registry.BASE + "/", registry.handle),
    (catalog.BASE + "/", catalog.handle),
    (dataprep.BASE + "/", dataprep.handle),
)
_KINDS = frozenset(
    {
        "connections",
        "sourceConnections",
        "targetConnections",
        "flows",
        "runs",
        "connectionSpecs",
        "flowSpecs",
        "dataSets",
        "mappingSets",
    }
)


def is_token_path(path: str) -> bool:
    """Whether this is the token endpoint, which the platform's rate limit does not cover."""
    return path.startswith("/ims/token/")


def answer(world: World, ask: Ask) -> Reply:
    """Answer one request and write everything about it to the book and the journal, as one line."""
    full_path = ask.path
    is_token = is_token_path(full_path)
    try:
        reply = ims.issue(world, ask) if is_token else _platform(world, ask)
    except Refusal as refusal:
        reply = refusal.reply
        world.commit("refusal", refusal.code)
        if refusal.violation:
            world.commit(
                "violation",
                {
                    "rule": refusal.violation,
                    "requestId": ask.request_id,
                    "endpoint": ask.endpoint or full_path,
                    "detail": refusal.detail,
                    "at": world.now(),
                },
            )
        if isinstance(reply.body, dict) and "report" in reply.body:
            reply.body["report"]["request-id"] = ask.request_id
    if not is_token:
        world.commit("request", ask.endpoint, reply.status)
    world.flush()
    return reply


def _platform(world: World, ask: Ask) -> Reply:
    handler = _route(ask)
    if not _admit(world):
        raise _too_fast(world)
    gateway.check(world, ask)
    if handler is None:
        raise generic(404, "NotFoundError", "Resource not found.", violation="path")
    return handler(world, ask)


def _too_fast(world: World) -> Refusal:
    """Beyond the rate limit. Undocumented for Flow Service: it may be a 429, or a 500 or 503 without a word."""
    status = world.options.limit_status
    headers = {"Retry-After": "1"} if world.options.retry_after and status != 500 else {}
    if status != 429:
        return Refusal(f"limit-{status}", Reply(status, None, headers))
    body: dict[str, Any] = {"error_code": "429050", "message": "Too many requests"}
    return Refusal("429050", Reply(429, body, headers))


def _route(ask: Ask) -> Callable[[World, Ask], Reply] | None:
    """The service that answers; makes ``ask.path`` relative to it and names the endpoint."""
    handler = None
    for prefix, service in _SERVICES:
        if ask.path.startswith(prefix):
            handler, ask.path = service, ask.path[len(prefix) :].strip("/")
            break
    ask.endpoint = _template(ask.method, ask.path)
    return handler


def _admit(world: World) -> bool:
    admitted = world.throttle.admit(world.real.mono())
    if world.throttle.worst > world.ledger.worst_second:
        world.commit("worst", world.throttle.worst)
    return admitted


def suffered(world: World, ask: Ask, status: int) -> None:
    """Book a request that a fault kept from its service; ``status`` 0 when nothing was answered."""
    if not is_token_path(ask.path):
        _route(ask)
        _admit(world)
        world.commit("request", ask.endpoint, status)
        world.flush()


def _template(method: str, path: str) -> str:
    """``GET /flows/{id}``; what is no endpoint is counted as ``GET other``, so that the book stays small."""
    parts = path.split("/")
    if parts[0] in _KINDS:
        parts[1:2] = ["{id}"] * len(parts[1:2])
    elif parts[:2] in (["export", "jobs"], ["tenant", "schemas"]):
        parts[2:] = ["{id}"] * len(parts[2:3])  # the id of a schema is a URI
    elif path != "adhocrun":
        return f"{method} other"
    return f"{method} /{'/'.join(parts[:3])}"
