"""One exchange before the published files: every way in which it differs from what they say."""

from __future__ import annotations

import os
from functools import cache
from pathlib import Path
from typing import TYPE_CHECKING, Any

from tests.contract.openapi.spec import Difference, Operation, Spec

if TYPE_CHECKING:
    from collections.abc import Iterator

    from tests.contract.openapi.traffic import Exchange

VARIABLE = "HEADGATE_OPENAPI"
#: What every HTTP client says, and what OpenAPI leaves to media types.
_COMMON = frozenset({"user-agent", "accept", "accept-encoding", "content-type"})


def folder() -> Path:
    """Where the published files are."""
    return Path(os.environ.get(VARIABLE) or Path(__file__).parents[3].parent / "shared" / "openapi")


@cache
def specs(where: Path) -> tuple[Spec, ...]:
    """Every file of the folder."""
    return tuple(Spec(path) for path in sorted(where.glob("*.yaml")))


def endpoint_of(exchange: Exchange, known: tuple[Spec, ...]) -> str:
    """``POST /flows``: method and template of the operation, or the bare path of what is in no file."""
    found = [operation for spec in known if (operation := spec.find(exchange.method, exchange.path))]
    return found[0].endpoint if found else f"{exchange.method} {exchange.path}"


def differences(exchange: Exchange, known: tuple[Spec, ...]) -> Iterator[Difference]:
    """All differences of one exchange, by every file that describes its endpoint."""
    found = [operation for spec in known if (operation := spec.find(exchange.method, exchange.path))]
    if not found:
        yield Difference("-", f"{exchange.method} {exchange.path}", "operation", "is in no spec")
    for operation in found:
        for where, what in (*_asked(operation, exchange), *_answered(operation, exchange)):
            yield Difference(operation.spec.name, operation.endpoint, where, what)


def _asked(operation: Operation, exchange: Exchange) -> Iterator[tuple[str, str]]:
    spec = operation.spec
    parameters = [spec.resolved(each) for each in (*operation.common, *operation.raw.get("parameters", []))]
    headers = {each["name"].lower(): each for each in parameters if each["in"] == "header"}
    for name, parameter in headers.items():
        if name not in exchange.headers:
            if parameter.get("required"):
                yield "request headers", f"{name}: required"
            continue
        for said in spec.judge(_schema(parameter), exchange.headers[name]):
            yield "request headers", f"{name}: {said}"
    for name in sorted(exchange.headers.keys() - headers.keys() - _COMMON):
        yield "request headers", f"{name}: is not in the spec"
    yield from _query(spec, {each["name"]: each for each in parameters if each["in"] == "query"}, exchange)
    body = next((each for each in parameters if each["in"] == "body"), None)
    told = spec.resolved(operation.raw.get("requestBody", {}))
    content = told.get("content")
    if body is not None:
        content = {"application/json": {"schema": body["schema"]}}
    if content is None:
        if exchange.body is not None:
            yield "request body", "is not in the spec"
        return
    if exchange.body is None:
        # The files leave ``required`` out where it must be there; where they say no, they mean it.
        if told.get("required") is not False:
            yield "request body", "missing"
        return
    yield from _content(spec, "request", content, exchange.headers.get("content-type", ""), exchange.body)


def _query(spec: Spec, named: dict[str, Any], exchange: Exchange) -> Iterator[tuple[str, str]]:
    given: dict[str, list[str]] = {}
    for name, value in exchange.query:
        given.setdefault(name, []).append(value)
    for name, parameter in named.items():
        if parameter.get("required") and name not in given:
            yield "query", f"{name}: required"
    for name, values in given.items():
        if name not in named:
            yield "query", f"{name}: is not in the spec"
            continue
        schema = spec.resolved(_schema(named[name]))
        many = schema.get("type") == "array"
        if len(values) > 1 and not many:
            yield "query", f"{name}: given more than once"
        for value in values:
            typed = _typed(value, spec.resolved(schema.get("items", {})) if many else schema)
            for said in spec.judge(schema, [typed] if many else typed):
                yield "query", f"{name}: {said}"


def _schema(parameter: dict[str, Any]) -> dict[str, Any]:
    """A parameter's schema; Swagger 2.0 writes it among the parameter's own words."""
    own = ("name", "in", "required", "description", "schema", "example", "examples")
    return parameter.get("schema") or {key: value for key, value in parameter.items() if key not in own}


def _typed(text: str, schema: dict[str, Any]) -> Any:
    """A query value as what its schema wants, if it can be read as that."""
    wanted = schema.get("type")
    if wanted in ("integer", "number"):
        try:
            return int(text) if wanted == "integer" else float(text)
        except ValueError:
            return text
    return {"true": True, "false": False}.get(text, text) if wanted == "boolean" else text


def _answered(operation: Operation, exchange: Exchange) -> Iterator[tuple[str, str]]:
    spec, status = operation.spec, exchange.status
    by_status = {str(key): each for key, each in operation.raw["responses"].items()}
    if str(status) not in by_status and "default" not in by_status:
        yield f"{status}", "this status is not in the spec"
        return
    response = spec.resolved(by_status.get(str(status)) or by_status["default"])
    for name, header in response.get("headers", {}).items():
        value = exchange.answer_headers.get(name.lower())
        if value is None and spec.resolved(header).get("required"):
            yield f"{status} headers", f"{name}: required"
    content = response.get("content")
    if "schema" in response:  # Swagger 2.0
        content = {"application/json": {"schema": response["schema"]}}
    if not content:
        if exchange.answer is not None:
            yield f"{status} body", "no body is in the spec"
        return
    if exchange.answer is None:
        yield f"{status} body", "missing"
        return
    kind = exchange.answer_headers.get("content-type", "")
    yield from _content(spec, f"{status}", content, kind, exchange.answer)


def _content(spec: Spec, where: str, content: dict[str, Any], kind: str, value: Any) -> Iterator[tuple[str, str]]:
    kind = kind.partition(";")[0].strip().lower()
    by_kind = {key.partition(";")[0].strip().lower(): each for key, each in content.items()}
    media = by_kind.get(kind) or by_kind.get("*/*")
    if media is None:
        yield f"{where} headers", f"content-type: {kind or 'none'} is not in the spec"
        media = next(iter(by_kind.values()))
    if "schema" in media:
        for said in spec.judge(media["schema"], value, _examples(spec, media)):
            yield f"{where} body", said


def _examples(spec: Spec, media: dict[str, Any]) -> Iterator[Any]:
    """The published examples of a body, of its schema and of that schema's alternatives."""
    if "example" in media:
        yield media["example"]
    for each in (media.get("examples") or {}).values():
        yield spec.resolved(each).get("value")
    schemas = [media["schema"]]
    while schemas:
        schema = spec.resolved(schemas.pop())
        if "example" in schema:
            yield schema["example"]
        for word in ("oneOf", "anyOf", "allOf"):
            schemas += schema.get(word, [])
