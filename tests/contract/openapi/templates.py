"""Which endpoints headgate's source speaks of: read from its strings, f-strings included."""

from __future__ import annotations

import ast
import re
from itertools import product
from typing import TYPE_CHECKING

from headgate.planning.content import CHANGEABLE
from headgate.workflows.collections import COLLECTIONS
from headgate.workflows.dialects import DIALECTS

if TYPE_CHECKING:
    from collections.abc import Iterator, Sequence
    from pathlib import Path

    from tests.contract.openapi.traffic import Exchange

_ENDPOINT = re.compile(r"(GET|POST|PUT|PATCH|DELETE) /\S+")
#: What an f-string puts into an endpoint, by the last name in its braces.
_HOLES: dict[str, Sequence[str]] = {
    "collection": CHANGEABLE,
    "kind": CHANGEABLE,
    "method": ("GET", "DELETE"),
    "path": [dialect.path for dialect in DIALECTS.values()],
}
#: Where it is something else, by module.
_IN_MODULE: dict[tuple[str, str], Sequence[str]] = {
    (module, "path"): [collection.path for collection in COLLECTIONS.values()]
    for module in ("delete", "destroy", "replace")
}


def endpoints(source: Path) -> set[str]:
    """Every ``POST /flows`` and ``GET /flows/{id}`` under ``source``, the embedded platform aside.

    The parser sees to doubled braces: ``{{id}}`` of an f-string is ``{id}``. What stands in single ones is tried with
    all that it may be.

    Raises:
        LookupError: an f-string looks like an endpoint and puts in what is not known here.
    """
    found = set()
    for path in sorted(source.rglob("*.py")):
        if "simulator" not in path.relative_to(source).parts:
            for node in ast.walk(ast.parse(path.read_text())):
                found.update(each for each in _written(node, path.stem) if _ENDPOINT.fullmatch(each))
    return found


def _written(node: ast.AST, module: str) -> Iterator[str]:
    """What a string may be."""
    if isinstance(node, ast.Constant) and isinstance(node.value, str):
        yield node.value
    elif isinstance(node, ast.JoinedStr):
        parts = [_part(part, module) for part in node.values]
        # With any word in each hole: is it an endpoint at all?
        if _ENDPOINT.fullmatch("".join(part if isinstance(part, str) else _guess(part) for part in parts)):
            known = [[part] if isinstance(part, str) else _filling(part, module) for part in parts]
            yield from map("".join, product(*known))


def _part(part: ast.expr, module: str) -> str | tuple[str]:
    """The text of a part of an f-string; of a hole, its last name alone, in a tuple."""
    if isinstance(part, ast.Constant):
        return str(part.value)
    inner = part.value if isinstance(part, ast.FormattedValue) else part
    return (inner.attr if isinstance(inner, ast.Attribute) else inner.id if isinstance(inner, ast.Name) else module,)


def _guess(hole: tuple[str]) -> str:
    return {"method": "GET", "path": "/x"}.get(hole[0], "x")


def _filling(hole: tuple[str], module: str) -> Sequence[str]:
    name = hole[0]
    found = _IN_MODULE.get((module, name)) or _HOLES.get(name)
    if found is None:
        raise LookupError(f"{module}.py puts {{{name}}} into an endpoint: say in {__name__} what it may be")
    return found


def is_of(exchange: Exchange, endpoint: str) -> bool:
    """Whether ``exchange`` is one of ``endpoint``; ``{id}`` is one step of a path."""
    method, _, template = endpoint.partition(" ")
    pattern = "[^/]+".join(map(re.escape, re.split(r"{[^}]*}", template)))
    return exchange.method == method and re.search(f"{pattern}$", exchange.path) is not None
