"""``flow-update``: change existing flows in bulk (the end dates of seed 001, and any other edit)."""

from __future__ import annotations

from collections.abc import Iterator, Mapping, Sequence
from typing import TYPE_CHECKING, Any, ClassVar, Final

from pydantic import BaseModel, ConfigDict, Field

from headgate.catalogue import Finding
from headgate.catalogue.words import nearest, suggestion
from headgate.manifest.field import fixed, shaped
from headgate.manifest.keys import key_text
from headgate.manifest.kinds.flow_selection import (
    FLOWS,
    ONE_OF_TWO,
    SELECT,
    check_selection,
    complete_selection,
    flows_form,
    select_form,
    written,
)
from headgate.manifest.pointer import CHANGEABLE, READ_ONLY, pointer_of, steps_of
from headgate.manifest.references import UNRESOLVED

if TYPE_CHECKING:
    from headgate.manifest.grammar import Desk, Draft
    from headgate.manifest.model import Connection, Item

#: The operations of RFC 6902 and what each needs beside ``op`` and ``path``.
_OPS: Final = {"add": "value", "remove": "", "replace": "value", "move": "from", "copy": "from", "test": "value"}
#: Schedule times are epoch seconds; beyond this a number is milliseconds (trap 41).
_MILLISECONDS: Final = 1e11
_TIMES: Final = ("startTime", "endTime")


_SET_FORM: Final[dict[str, Any]] = {
    "type": ["object", "null"],
    "minProperties": 1,
    "propertyNames": {"anyOf": [{"pattern": "^/."}, {"pattern": r"\$"}]},
}
_PATCH_FORM: Final[dict[str, Any]] = {
    "type": ["array", "null"],
    "minItems": 1,
    "items": {
        "type": "object",
        "properties": {
            "op": {"type": "string", "enum": list(_OPS), "description": "The operation."},
            "path": {"type": "string", "description": "A JSON pointer: /scheduleParams/endTime."},
            "value": {"description": "The value of add, replace and test."},
            "from": {"type": "string", "description": "The JSON pointer that move and copy take from."},
        },
        "required": ["op", "path"],
        "additionalProperties": False,
    },
}


class FlowUpdateBody(BaseModel):
    """The own keys of a ``flow-update`` entry. Exactly one of ``set`` and ``patch``."""

    model_config = ConfigDict(extra="forbid", json_schema_extra=ONE_OF_TWO)

    select: Any = Field(None, description=SELECT, json_schema_extra=shaped(select_form))
    flows: Any = Field(None, description=FLOWS, json_schema_extra=shaped(flows_form))
    set: Any = Field(
        None,
        description="JSON pointers and their new values: {/scheduleParams/endTime: 1830336000}. Made or replaced.",
        json_schema_extra=fixed(_SET_FORM),
    )
    patch: Any = Field(
        None, description="A strict JSON Patch (RFC 6902), instead of set.", json_schema_extra=fixed(_PATCH_FORM)
    )


class FlowUpdate:
    """The grammar of ``flow-update``."""

    kind: ClassVar[str] = "flow-update"
    summary: ClassVar[str] = "Changes to existing flows in bulk; `headgate plan` shows each one, old value and new."
    example: ClassVar[str] = """\
- kind: flow-update
  name: extend exports
  select:
    property: ["flowSpec.id==269ba276-16fc-47db-92b0-c1049a3c131f"]
    where: "scheduleParams.endTime < `1790000000`"
  set: {/scheduleParams/endTime: 1830336000}
"""
    action: ClassVar[bool] = True
    connected: ClassVar[bool] = False
    alone: ClassVar[bool] = False
    model: ClassVar[type[BaseModel]] = FlowUpdateBody

    def complete(self, body: dict[str, Any], desk: Desk) -> Mapping[str, Any]:
        """The selection in one form, and the change."""
        wanted, patch = body.get("set"), body.get("patch")
        change: dict[str, Any] = {"set": dict(wanted)} if isinstance(wanted, Mapping) else {}
        if isinstance(patch, list):
            change["patch"] = patch
        return complete_selection(body, desk, **change)

    def check_connection(self, connection: Connection) -> Iterator[Finding]:
        """Takes no connection."""
        del connection
        return iter(())

    def check(self, item: Item, draft: Draft) -> Iterator[Finding]:
        """The selection, and every path and value of the change."""
        yield from check_selection(item, draft)
        raw = written(item, draft)
        wanted, patch = raw.get("set"), raw.get("patch")
        if (wanted is None) == (patch is None):
            message = "missing: nothing is to be changed" if wanted is None else "goes without patch"
            yield Finding("set", message, "give set: {/scheduleParams/endTime: …}, or patch: with a JSON Patch")
        if wanted is not None:
            yield from _check_set(wanted)
        if patch is not None:
            yield from _check_patch(patch)


def _check_set(wanted: Any) -> Iterator[Finding]:
    if wanted is UNRESOLVED:
        return
    if not isinstance(wanted, Mapping) or not wanted:
        yield Finding("set", "must map JSON pointers to values", "set: {/scheduleParams/endTime: 1830336000}")
        return
    seen: list[tuple[str, ...]] = []
    for path, value in wanted.items():
        key = key_text(("set", str(path)))
        found = list(_check_pointer(key, path, whole=False))
        yield from found
        if found:
            continue
        steps = steps_of(path)
        if "-" in steps:
            yield Finding(key, "'-' would add one more on every run", "give the index, or use patch: with an add")
        clash = next((one for one in seen if one == steps[: len(one)] or steps == one[: len(steps)]), None)
        if clash is not None:
            yield Finding(
                key,
                f"lies inside {pointer_of(clash if len(clash) < len(steps) else steps)}, which is set too",
                "keep one",
            )
        seen.append(steps)
        yield from _check_value(key, steps, value)


def _check_pointer(key: str, path: Any, *, whole: bool, what: str = "path") -> Iterator[Finding]:
    """A pointer's syntax, and whether a PATCH may touch what it leads to."""
    if path is UNRESOLVED:
        return
    if not isinstance(path, str):
        yield Finding(key, f"{what} must be a JSON pointer", "/scheduleParams/endTime")
        return
    try:
        steps = steps_of(path)
    except ValueError as error:
        dotted = "/" + path.lstrip("/").replace(".", "/")
        yield Finding(
            key,
            f"'{path}': {error}",
            f"did you mean {dotted}?" if not path.startswith("/") else "~ is ~0 there, and / in a name is ~1",
        )
        return
    if not steps or not steps[0]:
        if not whole:
            yield Finding(key, f"'{path}' means the whole flow", "name the part that is to change")
        return
    if steps[0] in READ_ONLY and not whole:
        yield Finding(key, f"/{steps[0]} cannot be changed", READ_ONLY[steps[0]])
    elif steps[0] not in CHANGEABLE and steps[0] not in READ_ONLY:
        near = nearest(steps[0], CHANGEABLE)
        hint = f"did you mean /{near}?" if near else f"known: {', '.join(CHANGEABLE)}"
        yield Finding(key, f"a flow has no /{steps[0]}", hint, "error" if near else "warning")


def _check_value(key: str, steps: Sequence[str], value: Any) -> Iterator[Finding]:
    if steps[0] in ("name", "description") and len(steps) == 1 and not isinstance(value, str):
        if value is not UNRESOLVED:
            yield Finding(key, f"/{steps[0]} must be text", "quote it to make it text")
    elif steps[0] == "scheduleParams":
        times = {steps[1]: value} if len(steps) == 2 else value if len(steps) == 1 else {}
        for name in _TIMES:
            found = times.get(name) if isinstance(times, Mapping) else None
            if isinstance(found, (int, float)) and not isinstance(found, bool) and found > _MILLISECONDS:
                yield Finding(key, f"{name} {found} is in milliseconds", f"epoch seconds: {int(found // 1000)}")
            elif isinstance(found, str) and found.isdigit():
                yield Finding(key, f"{name} must be a number", f"without quotes: {found}")


def _check_patch(patch: Any) -> Iterator[Finding]:
    if patch is UNRESOLVED:
        return
    if not isinstance(patch, list) or not patch:
        yield Finding("patch", "must be a list of operations", "patch: [{op: replace, path: /name, value: …}]")
        return
    for number, operation in enumerate(patch):
        key = f"patch[{number}]"
        if operation is UNRESOLVED:
            continue
        if not isinstance(operation, Mapping):
            yield Finding(key, "must be a mapping with op and path", "{op: replace, path: /name, value: …}")
            continue
        yield from _check_operation(key, operation)


def _check_operation(key: str, operation: Mapping[str, Any]) -> Iterator[Finding]:
    op = operation.get("op")
    if op is UNRESOLVED:
        return
    if not isinstance(op, str) or op not in _OPS:
        hint = suggestion(str(op).lower(), _OPS, noun="operations") if op is not None else f"one of {', '.join(_OPS)}"
        yield Finding(f"{key}.op", "missing" if op is None else f"unknown operation '{op}'", hint)
        return
    needed = _OPS[op]
    for name in operation:
        if name not in ("op", "path", needed):
            yield Finding(f"{key}.{name}", f"does not belong to {op}", f"op, path{f', {needed}' if needed else ''}")
    if needed and needed not in operation:
        yield Finding(f"{key}.{needed}", f"missing: {op} needs it", f"{{op: {op}, path: /name, {needed}: …}}")
    if "path" not in operation:
        yield Finding(f"{key}.path", "missing", "a JSON pointer: /scheduleParams/endTime")
    else:
        wrong = list(_check_pointer(f"{key}.path", operation["path"], whole=op == "test"))
        yield from wrong
        path = operation["path"]
        if not wrong and op in ("add", "replace") and isinstance(path, str) and "value" in operation:
            yield from _check_value(f"{key}.value", steps_of(path), operation["value"])
    if needed == "from" and "from" in operation:
        yield from _check_pointer(f"{key}.from", operation["from"], whole=op == "copy", what="from")
