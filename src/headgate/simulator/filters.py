"""``property=<path><op><value>``: the Flow Service's filters, read and judged. Pure (facts 2.4)."""

from __future__ import annotations

import re
from dataclasses import dataclass
from typing import TYPE_CHECKING, Any

from headgate.simulator.reply import problem

if TYPE_CHECKING:
    from collections.abc import Iterator, Sequence

_CONDITION = re.compile(r"^([A-Za-z0-9_.\[\]-]+?)(==|>=|<=|!>|!<|!=|=|~|>|<)(.*)$", re.DOTALL)

COMMON_FIELDS = frozenset(
    {
        "id",
        "name",
        "description",
        "state",
        "createdAt",
        "updatedAt",
        "createdBy",
        "updatedBy",
        "createdClient",
        "updatedClient",
        "sandboxId",
        "sandboxName",
        "imsOrgId",
        "etag",
        "version",
    }
)
FIELDS = {
    "connections": COMMON_FIELDS | {"connectionSpec", "auth", "encryption", "encryptionSpecs"},
    "sourceConnections": COMMON_FIELDS
    | {"connectionSpec", "baseConnectionId", "data", "params", "inheritedAttributes"},
    "targetConnections": COMMON_FIELDS
    | {"connectionSpec", "baseConnectionId", "data", "params", "inheritedAttributes"},
    "flows": COMMON_FIELDS
    | {
        "flowSpec",
        "sourceConnectionIds",
        "targetConnectionIds",
        "inheritedAttributes",
        "scheduleParams",
        "transformations",
        "policy",
        "lastOperation",
        "lastRunDetails",
        "runs",
    },
    "runs": COMMON_FIELDS | {"flowId", "flowSpec", "providerRefId", "metrics", "activities"},
    "connectionSpecs": frozenset({"id", "name", "providerId", "version", "attributes", "authSpec"}),
    "flowSpecs": frozenset(
        {
            "id",
            "name",
            "providerId",
            "version",
            "attributes",
            "sourceConnectionSpecIds",
            "targetConnectionSpecIds",
        }
    ),
}


@dataclass(frozen=True, slots=True)
class Condition:
    """One filter. ``steps`` are ``(key, is_array)`` from the top of the document; ``values`` are OR-ed."""

    path: str
    steps: tuple[tuple[str, bool], ...]
    op: str
    values: tuple[str, ...]

    def matches(self, document: Any) -> bool:
        """Whether any value found at the path satisfies the condition. What is absent does not match."""
        return any(self._holds(found) for found in _found(document, self.steps))

    def _holds(self, found: Any) -> bool:
        if self.op == "==":
            return _text(found) in self.values
        try:
            left, right = float(found), float(self.values[0])
        except (TypeError, ValueError):
            return False
        return {">": left > right, "<": left < right, ">=": left >= right, "<=": left <= right}[self.op]


def parse(properties: Sequence[str], kind: str) -> list[Condition]:
    """Every condition of a request, AND-ed.

    Raises:
        Refusal: the documented code of each misuse (1440, 1443, 1448, 1449, 1450, 1452, 1453).
    """
    return [_condition(text, kind) for text in properties]


def _condition(text: str, kind: str) -> Condition:
    match = _CONDITION.match(text)
    if match is None:
        raise problem("1450-400", f"Invalid operator in '{text}'. Use ==, >, <, >= or <=.")
    path, op, raw = match.groups()
    if op == "~":
        raise problem("1440-400", "The operator '~' is not implemented.")
    if op in ("!>", "!<", "!=", "="):
        raise problem("1450-400", f"Invalid operator {op} in filter params.")
    steps = tuple((step.removesuffix("[]"), step.endswith("[]")) for step in path.split("."))
    if steps[0][0] not in FIELDS[kind]:
        raise problem("1449-400", f"Invalid field {path} in filter params.")
    if not raw:
        raise problem("1453-400", f"Empty value {path}{op} in filter params.")
    values = tuple(part.strip().strip('"') for part in _split(raw))
    if op != "==" and path == "id":
        raise problem("1448-400", f"Operator {op} not supported for field id.")
    if len(values) > 1 and path == "createdAt":
        raise problem("1452-400", "Multiple values are not allowed for createdAt.")
    if len(values) > 1 and op != "==":
        raise problem("1443-400", f"Operator '{op}' is not allowed for multiple values.")
    return Condition(path, steps, op, values)


def _split(raw: str) -> list[str]:
    """Comma-separated values; a comma inside double quotes belongs to its value."""
    return [part for part in re.findall(r'\s*"[^"]*"\s*|[^,]+', raw) if part] or [raw]


def _found(document: Any, steps: Sequence[tuple[str, bool]]) -> Iterator[Any]:
    if not steps:
        yield document
        return
    key, is_array = steps[0]
    if not isinstance(document, dict) or key not in document:
        return
    value = document[key]
    if not is_array:
        yield from _found(value, steps[1:])
    elif isinstance(value, list):
        for item in value:
            yield from _found(item, steps[1:])


def _text(value: Any) -> str:
    if isinstance(value, bool):
        return "true" if value else "false"
    return str(value)
