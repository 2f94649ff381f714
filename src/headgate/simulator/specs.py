"""Connection specs and flow specs, read from this room's own data file.

``specs.json`` was cut from the published specs and the tutorials' tables (facts 6.1, 7.2, 7.3). The flow
spec of Adobe Campaign is in no table: callers must look up ``upsToCampaign``, so its id here follows from
the seed. The names of the other flow specs are ours; callers have no business with them.
"""

from __future__ import annotations

from dataclasses import dataclass
from importlib.resources import files
from typing import TYPE_CHECKING, Any

import orjson

from headgate.simulator.datasets import Datasets
from headgate.simulator.ids import Ids
from headgate.simulator.sources import Sources, SourceSpec

if TYPE_CHECKING:
    from collections.abc import Mapping


@dataclass(frozen=True, slots=True)
class AuthSpec:
    """One way of authenticating. ``names`` holds the spec's name and the other spellings seen in samples."""

    names: tuple[str, ...]
    type: str | None
    schema: Mapping[str, Any]
    secrets: frozenset[str]


@dataclass(frozen=True, slots=True)
class Destination:
    """One batch destination. ``target`` is a schema (current generation) or a mode table (legacy)."""

    key: str
    name: str
    current: bool
    email: bool
    connection_spec: str
    auth: tuple[AuthSpec, ...]
    encryption: bool
    target: Mapping[str, Any]
    segment_flow: str
    dataset_flow: str | None

    def auth_spec(self, name: object) -> AuthSpec | None:
        """The auth spec called ``name``."""
        return next((spec for spec in self.auth if name in spec.names), None)


@dataclass(slots=True)
class FlowSpec:
    """A flow spec and the targets it serves. ``workflow`` is ``segments``, ``datasets`` or ``sources``."""

    id: str
    name: str
    workflow: str
    targets: list[str]


class Specs:
    """Every spec the platform knows. Immutable after construction."""

    def __init__(self, seed: int, datasets: Mapping[str, str] | None = None) -> None:
        raw = orjson.loads(files("headgate.simulator").joinpath("specs.json").read_bytes())
        self.version: str = raw["version"]
        self.provider: str = raw["providerId"]
        self.profile_store: str = raw["profileStore"]
        self.data_lake: str = raw["dataLake"]
        self.datasets = Datasets(seed, datasets or {})
        self.destinations: dict[str, Destination] = {}
        self.flow_specs: dict[str, FlowSpec] = {}
        looked_up = Ids(seed, -2).uuid()
        for row in raw["destinations"]:
            segment_flow = row["segmentFlowSpec"] or looked_up
            destination = Destination(
                key=row["key"],
                name=row["name"],
                current=row["generation"] == "current",
                email=row["email"],
                connection_spec=row["connectionSpec"],
                auth=tuple(
                    AuthSpec(
                        tuple(auth["names"]),
                        auth["type"],
                        {"type": "object", "properties": auth["properties"], "required": auth["required"]},
                        frozenset(auth["secrets"]),
                    )
                    for auth in row["auth"]
                ),
                encryption=row["encryption"],
                target=row["target"],
                segment_flow=segment_flow,
                dataset_flow=row["datasetFlowSpec"],
            )
            self.destinations[destination.connection_spec] = destination
            name = row["flowSpecName"] or f"upsTo_{destination.key}"
            self._serve(segment_flow, name, "segments", destination.connection_spec)
            if destination.dataset_flow:
                name = f"datasetsTo_{destination.key}"
                self._serve(destination.dataset_flow, name, "datasets", destination.connection_spec)

        self.sources = Sources()
        self._serve(self.sources.flow_spec["id"], self.sources.flow_spec["name"], "sources", self.sources.lake)

    def _serve(self, flow_spec: str, name: str, workflow: str, connection_spec: str) -> None:
        spec = self.flow_specs.setdefault(flow_spec, FlowSpec(flow_spec, name, workflow, []))
        spec.targets.append(connection_spec)

    def known(self, connection_spec: object) -> bool:
        """Whether a connection spec of this id exists."""
        stores = (self.profile_store, self.data_lake, self.sources.lake)
        return (
            connection_spec in self.destinations or connection_spec in self.sources.specs or connection_spec in stores
        )

    def account(self, connection_spec: str) -> Destination | SourceSpec | None:
        """What a base connection of this spec leads to; ``None`` for the platform's own stores."""
        return self.destinations.get(connection_spec) or self.sources.specs.get(connection_spec)

    def connection_spec_views(self) -> list[dict[str, Any]]:
        """Every connection spec as ``GET /connectionSpecs`` shows it."""
        views = [
            self._source_view(self.profile_store, "Profile Store"),
            self._source_view(self.data_lake, "activation-datalake"),
        ]
        for destination in self.destinations.values():
            target = destination.target
            spec = (
                {"type": "object", "properties": target["properties"], "required": target["required"]}
                if destination.current
                else {
                    "type": "object",
                    "properties": {"mode": {"type": "string", "enum": list(target["modes"])}},
                }
            )
            views.append(
                {
                    "id": destination.connection_spec,
                    "name": destination.name,
                    "providerId": self.provider,
                    "version": self.version,
                    "authSpec": [
                        {"name": auth.names[0], "type": auth.type, "spec": auth.schema} for auth in destination.auth
                    ],
                    "targetSpec": {"name": "User based target", "type": "UserNamespace", "spec": spec},
                    "attributes": {"category": "Email Marketing" if destination.email else "Cloud Storage"},
                }
            )
        return views + self.sources.views()

    def _source_view(self, spec_id: str, name: str) -> dict[str, Any]:
        return {
            "id": spec_id,
            "name": name,
            "providerId": self.provider,
            "version": self.version,
            "authSpec": [],
            "attributes": {"isSource": True},
        }

    def flow_spec_views(self) -> list[dict[str, Any]]:
        """Every flow spec as ``GET /flowSpecs`` shows it."""
        return [
            {
                "id": spec.id,
                "name": spec.name,
                "providerId": self.provider,
                "version": self.version,
                "sourceConnectionSpecIds": [self.profile_store if spec.workflow == "segments" else self.data_lake],
                "targetConnectionSpecIds": spec.targets,
                "attributes": {
                    "isDestinationFlow": True,
                    "_workflow": ["DATASETS"] if spec.workflow == "datasets" else ["SEGMENTS"],
                },
            }
            for spec in self.flow_specs.values()
            if spec.workflow != "sources"
        ] + [self.sources.flow_spec]
