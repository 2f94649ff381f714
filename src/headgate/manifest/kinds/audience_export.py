"""``audience-export``: audiences written to a batch destination on a schedule."""

from __future__ import annotations

import re
from collections.abc import Iterator, Mapping
from functools import partial
from typing import TYPE_CHECKING, Any, ClassVar, Final, Literal

from pydantic import BaseModel, ConfigDict, Field

from headgate.catalogue import DEFAULT_TEMPLATE, Destination, Finding, batch, check_schedule, schedule
from headgate.catalogue.filename import check_filename
from headgate.catalogue.schedule import completed
from headgate.manifest.field import Whole, shaped

if TYPE_CHECKING:
    from headgate.manifest.grammar import Desk, Draft
    from headgate.manifest.model import Connection, Item

#: Adobe's guardrail for audiences in one dataflow of a file-based destination.
MANY_AUDIENCES: Final = 250
_PATH = re.compile(r"[A-Za-z_][\w-]*(\.[A-Za-z_][\w-]*|\[\w*\])*")


def _targets() -> dict[str, Any]:
    from headgate.catalogue import form  # for a schema alone

    return form.any_target(form.audience_targets().values())


class _Strict(BaseModel):
    model_config = ConfigDict(extra="forbid", arbitrary_types_allowed=True)


class Audience(BaseModel):
    """One audience and when it is exported. Names are Adobe's."""

    model_config = ConfigDict(
        extra="forbid",
        arbitrary_types_allowed=True,
        json_schema_extra=lambda schema: schema.update(allOf=schedule.mode_forms()),
    )

    id: str = Field(min_length=1, description="The audience's id.")
    name: str | None = Field(None, description="Its name, as files and reports show it.")
    description: str | None = Field(None, description="Its description.")
    filenameTemplate: str = Field(
        DEFAULT_TEMPLATE,
        description="The name of the files, with macros: `headgate catalog KEY` lists those of a destination.",
    )
    exportMode: Literal["DAILY_FULL_EXPORT", "FIRST_FULL_THEN_INCREMENTAL"] = Field(
        description="Everything each time, or everything once and then what changed."
    )
    schedule: dict[str, Any] = Field(description="When it is exported.", json_schema_extra=shaped(schedule.form))
    systemSegmentId: str | None = Field(None, description="Its other id, where it has two.")
    namespace: str | None = Field(None, description="Where the audience comes from: ups, or another origin.")
    enrichmentInfo: dict[str, Any] | None = Field(None, description="Enrichment of external audiences; sent as it is.")


class PrimaryField(_Strict):
    """An attribute or identity that makes exported rows unique."""

    fieldType: Literal["ATTRIBUTE", "IDENTITY"] = Field(description="What it is.")
    attributePath: str | None = Field(None, description="With ATTRIBUTE: its XDM path.")
    identityNamespace: str | None = Field(None, description="With IDENTITY: the namespace's code.")


class ProfileMapping(_Strict):
    """A mapping set made elsewhere; destinations want its version as a number (trap 45)."""

    mappingId: str = Field(min_length=1, description="The mapping set's id.")
    mappingVersion: Whole = Field(description="Its version.")


class AudienceExportBody(_Strict):
    """The own keys of an ``audience-export`` entry.

    ``attributes`` are XDM paths, sent as profile selectors (seeds 000 and 002). Where a mapping set of the current
    generation is wanted instead, ``profileMapping`` names one.
    """

    description: str | None = Field(None, description="Text for the objects' descriptions; headgate adds its mark.")
    target: dict[str, Any] = Field(
        description="Where the files go, and what they are.",
        json_schema_extra=shaped(_targets),
    )
    audiences: list[Audience] = Field(min_length=1, description="What is exported; Adobe's guardrail is 250 in a flow.")
    attributes: list[str] = Field([], description="XDM paths of the attributes in the files: person.name.firstName.")
    mandatoryFields: list[str] = Field([], description="Attributes without which a profile is not exported.")
    primaryFields: list[PrimaryField] = Field([], description="What makes a row unique, for deduplication.")
    profileMapping: ProfileMapping | None = Field(
        None, description="A mapping set made elsewhere, instead of attributes."
    )


class AudienceExport:
    """The grammar of ``audience-export``."""

    kind: ClassVar[str] = "audience-export"
    summary: ClassVar[str] = "Audiences written to a batch destination, on a schedule: one dataflow an item."
    example: ClassVar[str] = """\
- kind: audience-export
  name: "Loyalty ${row.region}"
  foreach: {rows: [{region: emea}, {region: amer}]}
  connection: {destination: data_landing_zone}
  target: {path: "${row.region}", fileType: CSV, compression: GZIP}
  audiences:
    - id: 9f7d37fd-7039-4454-94ef-2b0cd6c3206a
      exportMode: DAILY_FULL_EXPORT
      schedule:
        frequency: DAILY
        triggerType: SCHEDULED
        startDate: "2026-12-20"
        startTime: "17:00"
        endDate: "2027-12-20"
  attributes: [personalEmail.address, person.name.firstName]
  mandatoryFields: [personalEmail.address]
  primaryFields:
    - {fieldType: ATTRIBUTE, attributePath: personalEmail.address}
"""
    action: ClassVar[bool] = False
    connected: ClassVar[bool] = True
    alone: ClassVar[bool] = True
    model: ClassVar[type[BaseModel]] = AudienceExportBody

    def complete(self, body: dict[str, Any], desk: Desk) -> Mapping[str, Any]:
        """Fill in file name templates, trigger types and empty lists."""
        audiences = body.get("audiences")
        if isinstance(audiences, list):
            audiences = desk.draft.once(audiences, _completed_audiences, "complete")
        lists = {key: body.get(key) or [] for key in ("attributes", "mandatoryFields", "primaryFields")}
        return {**body, "audiences": audiences, **lists}

    def check_connection(self, connection: Connection) -> Iterator[Finding]:
        """A batch destination whose specs are known."""
        if connection.source is not None:
            yield Finding(
                "connection",
                f"'{connection.key or connection.source}' is a source connection",
                "an audience-export needs a connection with destination:",
            )
        elif connection.destination is None and connection.id is not None:
            yield Finding(
                "connection",
                f"connection '{connection.key or connection.id}' does not say its destination",
                "an existing connection (id:) also needs destination: KEY, so that its specs are known",
            )

    def check(self, item: Item, draft: Draft) -> Iterator[Finding]:
        """Target, audiences and fields against what the destination accepts."""
        key = item.connection.destination if item.connection else None
        destination = batch(key) if key is not None else None
        body = item.body
        if destination is not None and "target" in body:
            yield from draft.once(body["target"], partial(_target, destination=destination), (key, "target"))
        audiences = body.get("audiences")
        if isinstance(audiences, list):
            yield from draft.once(
                audiences, partial(_audiences, destination=destination, draft=draft), (key, "audiences")
            )
        yield from _fields(body, destination, draft)


def _completed_audiences(audiences: list[Any]) -> list[Any]:
    return [_completed(audience) if isinstance(audience, dict) else audience for audience in audiences]


def _completed(audience: dict[str, Any]) -> dict[str, Any]:
    done = {key: value for key, value in audience.items() if value is not None}
    done.setdefault("filenameTemplate", DEFAULT_TEMPLATE)
    if isinstance(done.get("schedule"), dict):
        done["schedule"] = completed(str(done.get("exportMode")), done["schedule"])
    return done


def _target(target: Any, destination: Destination) -> list[Finding]:
    return [finding.under("target") for finding in destination.check_target(target)]


def _audiences(audiences: list[Any], destination: Destination | None, draft: Draft) -> list[Finding]:
    found: list[Finding] = []
    seen: dict[str, int] = {}
    legacy = destination is not None and destination.legacy
    key = destination.key if destination is not None else None
    for number, audience in enumerate(audiences):
        if not isinstance(audience, Mapping):
            continue
        prefix = f"audiences[{number}]"
        mode = audience.get("exportMode")
        check = partial(check_schedule, mode, destination=destination)
        wrong = draft.once(audience.get("schedule"), check, (str(mode), key))
        found += [finding.under(prefix) for finding in wrong]
        template = audience.get("filenameTemplate")
        if isinstance(template, str):
            named = check_filename(template, legacy=legacy)
            found += [finding.under(f"{prefix}.filenameTemplate") for finding in named]
        name = audience.get("id")
        if not isinstance(name, str):
            continue
        if name in seen:
            said = f"audience '{name}' stands twice, first as audiences[{seen[name]}]"
            found.append(Finding(f"{prefix}.id", said, "one flow exports an audience once; keep one of the two"))
        seen.setdefault(name, number)
    if len(audiences) > MANY_AUDIENCES:
        hint = f"Adobe's guardrail is {MANY_AUDIENCES}; split the entry"
        found.append(Finding("audiences", f"{len(audiences)} audiences in one flow", hint, severity="warning"))
    return found


def _fields(body: Mapping[str, Any], destination: Destination | None, draft: Draft) -> Iterator[Finding]:
    if body.get("profileMapping") is not None and destination is not None and destination.legacy:
        yield Finding("profileMapping", f"{destination.name} has no mapping sets", "leave it out")
    if body.get("profileMapping") is not None and body.get("attributes"):
        yield Finding("attributes", "stand in the mapping set already", "give attributes or profileMapping, not both")
    for key, check in _PATHS.items():
        if body.get(key):
            yield from draft.once(body[key], check, key)
    if body.get("primaryFields"):
        yield from draft.once(body["primaryFields"], _primary, "primary")


def _paths(paths: Any, key: str) -> list[Finding]:
    return [
        Finding(f"{key}[{number}]", f"'{path}' is not an XDM path", "names joined by dots: person.name.firstName")
        for number, path in enumerate(paths if isinstance(paths, list) else ())
        if isinstance(path, str) and not _PATH.fullmatch(path)
    ]


#: What checks each list of paths.
_PATHS: Final = {key: partial(_paths, key=key) for key in ("attributes", "mandatoryFields")}


def _primary(fields: Any) -> list[Finding]:
    found = []
    for number, primary in enumerate(fields if isinstance(fields, list) else ()):
        if not isinstance(primary, Mapping):
            continue
        needed = {"ATTRIBUTE": "attributePath", "IDENTITY": "identityNamespace"}.get(str(primary.get("fieldType")))
        if needed is not None and not primary.get(needed):
            message = f"missing, and needed with fieldType {primary['fieldType']}"
            hint = "an XDM path, such as personalEmail.address" if needed == "attributePath" else "such as Email"
            found.append(Finding(f"primaryFields[{number}].{needed}", message, hint))
    return found
