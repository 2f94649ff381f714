"""From a flow of the profile store back to an ``audience-export`` entry."""

from __future__ import annotations

from collections.abc import Mapping
from typing import TYPE_CHECKING, Any, Final

from headgate.catalogue import batch, batch_keys, profile_store

if TYPE_CHECKING:
    from headgate.catalogue import Destination
    from headgate.export.live import Chain

_AUDIENCE: Final = ("id", "name", "description", "filenameTemplate", "exportMode", "schedule", "systemSegmentId",
                    "namespace", "enrichmentInfo")  # fmt: skip
_SCHEDULE: Final = ("frequency", "triggerType", "startDate", "startTime", "endDate")
_PRIMARY: Final = ("fieldType", "attributePath", "identityNamespace")


def destination_of(chain: Chain) -> Destination | None:
    """The batch destination of a flow of the profile store; ``None`` for another kind of flow."""
    spec, store = _spec(chain.target), profile_store()["connectionSpecId"]
    if _spec(chain.source) != store:
        return None
    found = (batch(key) for key in batch_keys())
    return next((one for one in found if one is not None and one.connection_spec_id == spec), None)


def entry(chain: Chain, destination: Destination) -> dict[str, Any] | str:
    """The entry's own keys, or why the flow cannot be written as one."""
    params = _params(chain.flow)
    selectors = [_mapping(one.get("value")) for one in _list(_mapping(params.get("segmentSelectors")).get("selectors"))]
    if not selectors:
        return "no audience is mapped to it"
    profile = _mapping(params.get("profileSelectors"))
    holder = profile if destination.legacy else params
    paths = [_mapping(one.get("value")).get("path") for one in _list(profile.get("selectors"))]
    made: dict[str, Any] = {
        "target": _target(chain, destination),
        "audiences": sorted((_audience(value) for value in selectors), key=lambda one: str(one.get("id"))),
        "attributes": [path for path in paths if isinstance(path, str)],
        "mandatoryFields": list(holder.get("mandatoryFields") or []),
        "primaryFields": [_kept(field, _PRIMARY) for field in _list(holder.get("primaryFields"))],
    }
    if mapping := _mapping(params.get("profileMapping")):
        made["profileMapping"] = _kept(mapping, ("mappingId", "mappingVersion"))
    return {key: value for key, value in made.items() if value}


def _target(chain: Chain, destination: Destination) -> dict[str, Any]:
    """The shortest target from which the same params would be sent."""
    target = dict(_mapping(chain.target.get("params")))
    wanted = destination.target_params(target)
    for key in list(target):
        shorter = {name: value for name, value in target.items() if name != key}
        if not destination.check_target(shorter) and destination.target_params(shorter) == wanted:
            target = shorter
    return target


def _audience(value: Mapping[str, Any]) -> dict[str, Any]:
    kept = _kept(value, _AUDIENCE)
    if isinstance(kept.get("schedule"), Mapping):
        kept["schedule"] = _kept(kept["schedule"], _SCHEDULE)
    return kept


def _kept(value: Mapping[str, Any], keys: tuple[str, ...]) -> dict[str, Any]:
    return {key: value[key] for key in keys if value.get(key) is not None}


def _params(flow: Mapping[str, Any]) -> Mapping[str, Any]:
    steps = _list(flow.get("transformations"))
    return _mapping(steps[0].get("params")) if steps else {}


def _spec(thing: Mapping[str, Any]) -> str:
    return str(_mapping(thing.get("connectionSpec")).get("id"))


def _mapping(value: Any) -> Mapping[str, Any]:
    return value if isinstance(value, Mapping) else {}


def _list(value: Any) -> list[Mapping[str, Any]]:
    return [one for one in value if isinstance(one, Mapping)] if isinstance(value, list) else []
