"""What is done although no document says that it may be, and noted: the witness wants to know (facts 11.1)."""

from __future__ import annotations

from typing import TYPE_CHECKING, Any

if TYPE_CHECKING:
    from headgate.simulator.reply import Ask
    from headgate.simulator.store import Entity
    from headgate.simulator.world import World


def note_parts(world: World, ask: Ask, kind: str, entity: Entity, operations: list[dict[str, Any]]) -> None:
    """Note a PATCH of one part of an export's ``scheduleParams``: documented is the whole object (trap 42)."""
    if kind != "flows" or "isDestinationFlow" not in entity["inheritedAttributes"]["properties"]:
        return
    for operation in operations:
        if str(operation.get("path", "")).startswith("/scheduleParams/"):
            world.commit(
                "violation",
                {
                    "rule": "part-of-schedule",
                    "requestId": ask.request_id,
                    "endpoint": ask.endpoint,
                    "detail": f"{operation['path']}: the whole of /scheduleParams is what the documents replace",
                    "at": world.now(),
                },
            )
