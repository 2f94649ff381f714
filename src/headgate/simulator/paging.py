"""Lists: ``items``, an opaque continuation token that contains ``=``, limits, counts and orders (facts
2.4).
"""

from __future__ import annotations

import base64
import binascii
from dataclasses import dataclass
from typing import TYPE_CHECKING, Any

import orjson

from headgate.simulator import filters
from headgate.simulator.reply import Ask, Reply, message, problem

if TYPE_CHECKING:
    from collections.abc import Callable, Iterable

MAX_LIMIT = 100
_PARAMETERS = frozenset({"property", "limit", "orderby", "count", "continuationToken"})


@dataclass(frozen=True, slots=True)
class Query:
    """A list request, a continued one included. ``after`` is a sequence number, or an offset when ordered."""

    kind: str
    properties: tuple[str, ...]
    conditions: tuple[filters.Condition, ...]
    limit: int
    orderby: str
    count: bool
    after: int | None


def read_query(ask: Ask, kind: str, default_limit: int) -> Query:
    """What the caller asks for. A continuation token carries its own filters: they win over repeated ones.

    A lenient platform takes a token that lost its padding: some callers split a link at every ``=`` (trap 20).
    """
    given: dict[str, str] = {}
    properties: list[str] = []
    for name, value in ask.query:
        if name not in _PARAMETERS:
            raise problem("1451-400", f"Invalid query param name {name}.")
        if name == "property":
            properties.append(value)
        else:
            given[name] = value
    count = given.get("count", "false").lower() == "true"
    if count and "limit" in given:
        raise problem("1401-400", "The limit and count parameters cannot be given together in the same request.")
    limit, orderby, after = default_limit, given.get("orderby", ""), None
    if "continuationToken" in given:
        stored = _read_token(given["continuationToken"] + ("==" if ask.lenient else ""), kind)
        properties, limit, orderby, after = stored["p"], stored["l"], stored["o"], stored["a"]
    if "limit" in given:
        text = given["limit"]
        if not text.isdigit() or not 1 <= int(text) <= MAX_LIMIT:
            raise message(400, f"limit must lie between 1 and {MAX_LIMIT}", code="400:limit")
        limit = int(text)
    conditions = tuple(filters.parse(properties, kind))
    return Query(kind, tuple(properties), conditions, limit, orderby, count, after)


def page(
    query: Query, newest_first: Iterable[tuple[int, dict[str, Any]]], view: Callable[[Any], dict[str, Any]]
) -> Reply:
    """One page of what matches.

    Args:
        query: The request, read by :func:`read_query`.
        newest_first: ``(sequence, stored)`` by falling sequence.
        view: How one stored object is shown; filters see the view.
    """
    conditions = query.conditions
    if query.orderby:
        return _ordered_page(query, [view(item) for _, item in newest_first])
    shown: list[dict[str, Any]] = []
    total, last, more = 0, 0, False
    for sequence, item in newest_first:
        if query.after is not None and sequence >= query.after:
            continue
        document = view(item)
        if not all(condition.matches(document) for condition in conditions):
            continue
        total += 1
        if query.count:
            continue
        if total > query.limit:
            more = True
            break
        shown.append(document)
        last = sequence
    if query.count:
        return Reply(200, {"count": total})
    return _reply(query, shown, last if more else None)


def _ordered_page(query: Query, documents: list[dict[str, Any]]) -> Reply:
    matching = [doc for doc in documents if all(condition.matches(doc) for condition in query.conditions)]
    for field in reversed(query.orderby.split(",")):
        name, falling = field.lstrip("+-"), field.startswith("-")
        if not name or name != name.strip() or field[:1] == " ":
            raise problem("1432-400", "Bad sort order: prepend + or - to the field.")
        if name.split(".")[0] not in filters.FIELDS[query.kind]:
            raise problem("1433-400", f"Incorrect field {name} in orderBy.")
        path = name.split(".")
        matching.sort(key=lambda doc: _sort_key(doc, path), reverse=falling)
    if query.count:
        return Reply(200, {"count": len(matching)})
    start = query.after or 0
    end = start + query.limit
    return _reply(query, matching[start:end], end if end < len(matching) else None)


def _sort_key(document: Any, path: list[str]) -> tuple[int, float, str]:
    for step in path:
        document = document.get(step) if isinstance(document, dict) else None
    if isinstance(document, int | float):
        return (0, float(document), "")
    return (1, 0.0, str(document)) if document is not None else (2, 0.0, "")


def _reply(query: Query, items: list[dict[str, Any]], after: int | None) -> Reply:
    links: dict[str, Any] = {}
    if after is not None:
        links["next"] = {"href": f"/{query.kind}?continuationToken={_token(query, after)}"}
    return Reply(200, {"items": items, "_links": links})


def _token(query: Query, after: int) -> str:
    raw = orjson.dumps({"k": query.kind, "p": query.properties, "l": query.limit, "o": query.orderby, "a": after})
    raw += b" " * (1 if len(raw) % 3 == 0 else 0)  # so that the padding, hence an "=", is always there (trap 20)
    return base64.urlsafe_b64encode(raw).decode()


def _read_token(token: str, kind: str) -> dict[str, Any]:
    try:
        stored = orjson.loads(base64.urlsafe_b64decode(token))
    except (binascii.Error, ValueError):
        stored = None
    if not isinstance(stored, dict) or stored.get("k") != kind:
        raise message(400, "continuationToken is not valid", code="400:continuationToken")
    return stored
