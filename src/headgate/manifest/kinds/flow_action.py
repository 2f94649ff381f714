"""``flow-action``: enable, disable, delete or retry existing flows in bulk."""

from __future__ import annotations

from collections.abc import Iterator, Mapping
from typing import TYPE_CHECKING, Any, ClassVar, Final

from pydantic import BaseModel, ConfigDict, Field

from headgate.catalogue import Finding
from headgate.catalogue.words import suggestion
from headgate.manifest.field import fixed, shaped
from headgate.manifest.kinds.flow_selection import (
    FLOWS,
    ONE_OF_TWO,
    SELECT,
    check_selection,
    complete_selection,
    flows_form,
    select_form,
)
from headgate.manifest.references import UNRESOLVED

if TYPE_CHECKING:
    from headgate.manifest.grammar import Desk, Draft
    from headgate.manifest.model import Connection, Item

ACTIONS: Final = ("enable", "disable", "delete", "retry")
#: Filters that mean exports only: their runs cannot be triggered again (facts 3.5).
_EXPORTS: Final = ("inheritedAttributes.properties.isDestinationFlow==true", "inheritedAttributes.targetConnections[]")
_SOURCES: Final = "inheritedAttributes.properties.isSourceFlow==true"


class FlowActionBody(BaseModel):
    """The own keys of a ``flow-action`` entry."""

    model_config = ConfigDict(extra="forbid", json_schema_extra={**ONE_OF_TWO, "required": ["action"]})

    select: Any = Field(None, description=SELECT, json_schema_extra=shaped(select_form))
    flows: Any = Field(None, description=FLOWS, json_schema_extra=shaped(flows_form))
    action: Any = Field(
        None,
        description="What is done to each: enable, disable, delete, or retry the failed runs of a source.",
        json_schema_extra=fixed({"type": "string", "enum": list(ACTIONS)}),
    )


class FlowAction:
    """The grammar of ``flow-action``."""

    kind: ClassVar[str] = "flow-action"
    summary: ClassVar[str] = "Existing flows enabled, disabled, deleted, or their failed runs triggered again."
    example: ClassVar[str] = """\
- kind: flow-action
  name: pause exports
  select:
    property:
      - flowSpec.id==269ba276-16fc-47db-92b0-c1049a3c131f
      - state==enabled
  action: disable
"""
    action: ClassVar[bool] = True
    connected: ClassVar[bool] = False
    alone: ClassVar[bool] = False
    model: ClassVar[type[BaseModel]] = FlowActionBody

    def complete(self, body: dict[str, Any], desk: Desk) -> Mapping[str, Any]:
        """The selection in one form."""
        return complete_selection(body, desk, action=body.get("action"))

    def check_connection(self, connection: Connection) -> Iterator[Finding]:
        """Takes no connection."""
        del connection
        return iter(())

    def check(self, item: Item, draft: Draft) -> Iterator[Finding]:
        """The selection, and whether the action can be done to it."""
        yield from check_selection(item, draft)
        action = item.body["action"]
        if action is UNRESOLVED:
            return
        if not isinstance(action, str) or action not in ACTIONS:
            message = "missing" if action is None else f"unknown action '{action}'"
            hint = suggestion(str(action), ACTIONS, noun="actions") if action else f"one of {', '.join(ACTIONS)}"
            yield Finding("action", message, hint)
        elif action == "retry":
            yield from _check_retry(item, draft)


def _check_retry(item: Item, draft: Draft) -> Iterator[Finding]:
    """The platform documents a new run of a failed one for batch sources alone."""
    exports = [
        condition for condition in item.body.get("select", {}).get("property", ()) if condition.startswith(_EXPORTS)
    ]
    made = [name for name in item.body.get("flows", ()) if (draft.by_name.kind(name) or "").endswith("-export")]
    if exports or made:
        yield Finding(
            "action",
            f"the runs of exports cannot be triggered again ({(exports or made)[0]})",
            f"use an activation; retry is for sources: property: {_SOURCES}",
        )
