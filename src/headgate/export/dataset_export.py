"""From a flow of the data lake back to a ``dataset-export`` entry."""

from __future__ import annotations

from collections.abc import Mapping
from typing import TYPE_CHECKING, Any, Final

from headgate.catalogue import batch, batch_keys

if TYPE_CHECKING:
    from headgate.catalogue import Destination
    from headgate.export.live import Chain

#: The data lake's connection spec, whose source connections name the datasets (facts 7.1).
DATA_LAKE: Final = "23598e46-f560-407b-88d5-ea6207e49db0"
_SCHEDULE: Final = ("exportMode", "timeUnit", "interval", "startTime", "endTime", "foldernameTemplate")
#: What every target of the kind is sent with, whatever the manifest says.
_ALWAYS: Final = {"mode": "Server-to-server"}


def destination_of(chain: Chain) -> Destination | None:
    """The destination of a flow of the data lake; ``None`` for another kind of flow."""
    source, target = (_inner(thing, "connectionSpec").get("id") for thing in (chain.source, chain.target))
    if source != DATA_LAKE:
        return None
    found = (batch(key) for key in batch_keys())
    return next((one for one in found if one is not None and one.connection_spec_id == target), None)


def entry(chain: Chain, _destination: Destination) -> dict[str, Any] | str:
    """The entry's own keys, or why the flow cannot be written as one."""
    datasets = [
        {key: one[key] for key in ("dataSetId", "name") if one.get(key)}
        for one in _inner(chain.source, "params").get("datasets") or ()
        if isinstance(one, Mapping)
    ]
    if not datasets:
        return "its source connection names no dataset"
    schedule = _inner(chain.flow, "scheduleParams")
    if not schedule:
        return "it has no schedule"
    target = {key: value for key, value in _inner(chain.target, "params").items() if _ALWAYS.get(key) != value}
    return {
        "datasets": sorted(datasets, key=lambda one: str(one.get("dataSetId"))),
        "target": target,
        "scheduleParams": {key: schedule[key] for key in _SCHEDULE if schedule.get(key) is not None},
    }


def _inner(thing: Mapping[str, Any], key: str) -> Mapping[str, Any]:
    found = thing.get(key)
    return found if isinstance(found, Mapping) else {}
