"""What ``flow-update``, ``flow-action`` and ``watch`` share: which existing flows are meant.

``select:`` has ``property`` (filters the platform applies) and ``where`` (a JMESPath on each flow); ``flows:`` names
them, by id or by the items of this manifest that make them.
"""

from __future__ import annotations

import re
from collections.abc import Iterator, Mapping
from typing import TYPE_CHECKING, Any, Final

from headgate.catalogue import Finding
from headgate.catalogue.words import nearest, suggestion
from headgate.manifest.condition import problem_of
from headgate.manifest.references import UNRESOLVED

if TYPE_CHECKING:
    from headgate.manifest.grammar import Desk, Draft
    from headgate.manifest.model import Item

FLOW_ID: Final = re.compile(r"[0-9a-fA-F]{8}(-[0-9a-fA-F]{4}){3}-[0-9a-fA-F]{12}")
#: Kinds whose items make a flow.
MAKERS: Final = ("audience-export", "dataset-export", "source-ingestion")
_CONDITION: Final = re.compile(r"([A-Za-z0-9_.\[\]-]+?)\s*(==|>=|<=|!=|!>|!<|=|~|>|<)\s*(.*)", re.DOTALL)
_OPERATORS: Final = ("==", ">", "<", ">=", "<=")
#: Top-level fields of a flow that a filter may begin with (facts 2.3, 2.4).
_FIELDS: Final = (
    "id", "name", "description", "state", "createdAt", "updatedAt", "createdBy", "updatedBy", "createdClient",
    "updatedClient", "sandboxId", "sandboxName", "imsOrgId", "etag", "version", "flowSpec", "sourceConnectionIds",
    "targetConnectionIds", "inheritedAttributes", "scheduleParams", "transformations", "lastOperation",
    "lastRunDetails", "runs",
)  # fmt: skip
_SHOWN: Final = 5
_ALL: Final = 'property: ["inheritedAttributes.properties.isDestinationFlow==true"] means every export'


#: The keys of ``select:`` and what they mean.
MEANINGS: Final = {
    "property": "Filters the platform applies; all of them must hold: flowSpec.id==…, state==enabled.",
    "where": "A JMESPath that each flow is asked: scheduleParams.endTime < `1790000000`.",
}
SELECT: Final = "Which flows: by filters. They are chosen while running; `headgate plan` shows them."
FLOWS: Final = "Which flows: by id, or by the names of items of this manifest that make them."


def select_form() -> dict[str, Any]:
    """``select:`` as JSON Schema."""
    one = {"type": "string", "minLength": 1}
    properties: dict[str, dict[str, Any]] = {
        "property": {"type": ["string", "array", "null"], "items": one},
        "where": {"type": ["string", "null"]},
    }
    return {
        "type": ["object", "null"],
        "properties": {key: {**inner, "description": MEANINGS[key]} for key, inner in properties.items()},
        "additionalProperties": False,
        "minProperties": 1,
    }


def flows_form() -> dict[str, Any]:
    """``flows:`` as JSON Schema."""
    return {"type": ["array", "null"], "items": {"type": "string", "minLength": 1}, "minItems": 1}


#: What a body with ``select`` and ``flows`` must have: one of the two.
ONE_OF_TWO: Final[dict[str, Any]] = {"anyOf": [{"required": ["select"]}, {"required": ["flows"]}]}


def complete_selection(body: Mapping[str, Any], desk: Desk, **more: Any) -> dict[str, Any]:
    """``select`` or ``flows`` of a body in one form, without what is faulty, and ``more``.

    What was written stays known to the checks.
    """
    done: dict[str, Any] = {}
    select = body.get("select")
    if isinstance(select, Mapping):
        where = select.get("where")
        done["select"] = {"property": _texts(select.get("property"))}
        if isinstance(where, str) and where.strip():
            done["select"]["where"] = where
    if body.get("flows") is not None:
        done["flows"] = _texts(body.get("flows"))
    done.update(more)
    desk.draft.notes[id(done)] = body
    return done


def written(item: Item, draft: Draft) -> Mapping[str, Any]:
    """The body of ``item`` as it stands in the manifest."""
    raw: Mapping[str, Any] = draft.notes[id(item.body)]
    return raw


def check_selection(item: Item, draft: Draft) -> Iterator[Finding]:
    """Everything that can be said about ``select`` and ``flows`` before a flow is seen."""
    raw = written(item, draft)
    select, flows = raw.get("select"), raw.get("flows")
    if select is None and flows is None:
        yield Finding("select", "missing: no flow is meant", "give select: (property, where) or flows:")
        return
    if select is not None and flows is not None:
        yield Finding("flows", "goes without select", "give one of the two")
    if flows is not None:
        yield from _check_flows(flows, draft)
    if select is not None:
        yield from _check_select(select)


def _check_select(select: Any) -> Iterator[Finding]:
    if not isinstance(select, Mapping):
        if select is not UNRESOLVED:
            yield Finding("select", "must be a mapping", "select: {property: [...], where: ...}")
        return
    for key in select:
        if key not in MEANINGS:
            yield Finding(f"select.{key}", "unknown key", suggestion(str(key), MEANINGS, noun="known keys"))
    given = select.get("property")
    conditions = _texts(given)
    if not isinstance(given, (str, list, type(None))) or not all(isinstance(one, str) for one in _resolved(given)):
        yield Finding("select.property", "must be a filter or a list of filters", 'property: ["flowSpec.id==…"]')
    for number, condition in enumerate(conditions):
        wrong = property_problem(condition)
        if wrong is not None:
            message, hint, severity = wrong
            key = f"select.property[{number}]" if isinstance(given, list) else "select.property"
            yield Finding(key, message, hint, "warning" if severity == "warning" else "error")
    where = select.get("where")
    if where is not None and where is not UNRESOLVED:
        if not isinstance(where, str) or not where.strip():
            yield Finding("select.where", "must be a JMESPath", "where: scheduleParams.endTime < `1790000000`")
        elif wrong_path := problem_of(where):
            yield Finding("select.where", f"no JMESPath: {wrong_path}", _where_hint(where))
    if not conditions and not where and given is not UNRESOLVED:
        yield Finding("select", "is empty: it would mean every flow of the sandbox", _ALL)


def property_problem(condition: str) -> tuple[str, str, str] | None:
    """What is wrong with a ``property`` filter: message, hint, severity (facts 2.4 and the codes 1440 to 1453)."""
    match = _CONDITION.fullmatch(condition.strip())
    if match is None:
        return f"'{condition}' is no filter", "path, operator, value: state==enabled", "error"
    path, operator, value = match.groups()
    if operator not in _OPERATORS:
        near = {"=": f"{path}=={value}", "~": "where: contains(name, 'x')", "!=": "where: state != 'enabled'"}.get(
            operator
        )
        return f"the platform has no operator '{operator}'", near or f"one of {', '.join(_OPERATORS)}", "error"
    first = path.partition(".")[0].removesuffix("[]")
    if first not in _FIELDS:
        return f"a flow has no '{first}'", suggestion(first, _FIELDS, noun="fields", most=_SHOWN), "error"
    if not value:
        return f"'{condition}' has no value", f"{path}{operator}…", "error"
    if operator != "==" and path == "id":
        return f"ids can only be compared with ==, not {operator}", "id==a,b means a or b", "error"
    if operator != "==" and "," in value:
        return f"'{operator}' takes one value", "write two filters: both must hold", "error"
    if path == "createdAt" and "," in value:
        return "createdAt takes one value", "write two filters: both must hold", "error"
    if first == "scheduleParams":
        hint = f"where: {path} {operator} `{value}`"
        return "filters on scheduleParams are not documented: the platform may ignore this one", hint, "warning"
    return None


def _where_hint(where: str) -> str:
    if re.search(r"[<>=]\s*-?\d", where):
        return "numbers stand in backticks: scheduleParams.endTime < `1790000000`"
    if re.search(r"(?<![&|])[&|](?![&|])", where):
        return "and is &&, or is ||"
    return "JMESPath: state=='enabled' && contains(name, 'AAM')"


def _check_flows(flows: Any, draft: Draft) -> Iterator[Finding]:
    if flows is UNRESOLVED:
        return
    if not isinstance(flows, list) or not flows:
        yield Finding("flows", "must be a list of flow ids or names of items", "flows: [Loyalty fr]")
        return
    first: dict[str, int] = {}
    for number, flow in enumerate(flows):
        key = f"flows[{number}]"
        if flow is UNRESOLVED:
            continue
        if not isinstance(flow, str) or not flow.strip():
            yield Finding(key, "must be text: a flow id, or the name of an item", "flows: [Loyalty fr]")
        elif first.setdefault(flow, number) != number:
            yield Finding(key, f"'{flow}' stands twice", "keep one of the two")
        elif not FLOW_ID.fullmatch(flow):
            yield from _check_name(key, flow, draft)


def _check_name(key: str, name: str, draft: Draft) -> Iterator[Finding]:
    kind = draft.by_name.kind(name)
    if kind is None:
        if not draft.may_exist(name):
            near = nearest(name, list(draft.by_name.of(*MAKERS)))
            hint = f"did you mean '{near}'?" if near else "a flow id, or the name of an item that makes a flow"
            yield Finding(key, f"there is no item '{name}', and it is no flow id", hint)
    elif kind not in MAKERS:
        yield Finding(key, f"'{name}' is an item of kind {kind}, which makes no flow", f"one of {', '.join(MAKERS)}")


def _texts(value: Any) -> list[str]:
    return [one for one in _resolved(value) if isinstance(one, str)]


def _resolved(value: Any) -> list[Any]:
    listed = value if isinstance(value, list) else [] if value is None else [value]
    return [one for one in listed if one is not UNRESOLVED]
