"""``activation``: an ad-hoc export, now, of audiences that flows already map."""

from __future__ import annotations

import re
from collections.abc import Iterator, Mapping
from typing import TYPE_CHECKING, Any, ClassVar, Literal

from pydantic import BaseModel, ConfigDict, Field

from headgate.catalogue import Finding
from headgate.catalogue.words import nearest
from headgate.manifest.field import fixed, shaped
from headgate.manifest.keys import key_text
from headgate.manifest.references import UNRESOLVED

if TYPE_CHECKING:
    from headgate.manifest.grammar import Desk, Draft
    from headgate.manifest.model import Connection, Item

COLUMNS = ("destinationId", "segmentId")
_FLOW_ID = re.compile(r"[0-9a-fA-F]{8}(-[0-9a-fA-F]{4}){3}-[0-9a-fA-F]{12}")

_NO = frozenset(("false", "no", "off", "0", "n", "f"))

Pair = tuple[str, str, str]

_ID_TYPES = ["string", "integer"]


def pairs_form() -> dict[str, Any]:
    """``pairs:`` as JSON Schema."""
    text = {"type": "string"}
    row = {
        "type": ["array", "object"],
        "items": {"type": "string", "minLength": 1},
        "minItems": 2,
        "maxItems": 2,
        "properties": {
            "destinationId": {**text, "description": "A flow's id, or the name of an audience-export item."},
            "segmentId": {**text, "description": "The audience's id."},
        },
        "required": list(COLUMNS),
    }
    said = {
        "csv": {**text, "description": "A CSV file with the columns destinationId and segmentId."},
        "jsonl": {**text, "description": "A file with an object {destinationId, segmentId} on each line."},
        "rows": {"type": "array", "items": row, "description": "The pairs themselves."},
        "matrix": {
            "type": "object",
            "description": "Every combination: {destinationId: [...], segmentId: [...]}.",
            "properties": {
                "destinationId": {"type": "array", "description": "Flow ids, or names of audience-export items."},
                "segmentId": {"type": "array", "description": "Audience ids."},
            },
            "required": list(COLUMNS),
        },
    }
    return {
        "type": ["string", "array", "object", "null"],
        "items": row,
        "properties": said,
        "additionalProperties": False,
        "minProperties": 1,
        "maxProperties": 1,
    }


class ActivationBody(BaseModel):
    """The own keys of an ``activation`` entry. Pairs come from ``destinations``, then from ``pairs``."""

    model_config = ConfigDict(extra="forbid")

    destinations: dict[str, list[str]] = Field(
        {}, description="A flow's id, or the name of an audience-export item, and the audiences it is to export now."
    )
    pairs: Any = Field(
        None,
        description="Pairs of a flow and an audience: a file's name, a list, or a source of rows as in foreach.",
        json_schema_extra=shaped(pairs_form),
    )
    apiVersion: Literal[1, 2] = Field(2, description="Of the ad-hoc activation API. 1 wants export ids.")
    exportIds: Any = Field(
        None,
        description="With apiVersion 1: auto looks them up, or a list of them.",
        json_schema_extra=fixed({"type": ["string", "integer", "array", "null"], "items": {"type": _ID_TYPES}}),
    )
    wait: bool = Field(True, description="Whether the run waits until every export is over, and says how it ended.")


class Activation:
    """The grammar of ``activation``."""

    kind: ClassVar[str] = "activation"
    summary: ClassVar[str] = "Exports at once of audiences that flows map already: ad-hoc jobs of at most 80 pairs."
    example: ClassVar[str] = """\
- kind: activation
  name: now
  destinations:
    8256cfb4-17e6-432c-a469-6aedafb16cd5:
      - 9f7d37fd-7039-4454-94ef-2b0cd6c3206a
  wait: true
"""
    action: ClassVar[bool] = True
    connected: ClassVar[bool] = False
    alone: ClassVar[bool] = False
    model: ClassVar[type[BaseModel]] = ActivationBody

    def complete(self, body: dict[str, Any], desk: Desk) -> Mapping[str, Any]:
        """Gather the pairs in order: ``[(destination, segment, place)]``."""
        pairs: list[Pair] = []
        keys: list[str] = []
        for destination, segments in _mapping(body.get("destinations")).items():
            for number, segment in enumerate(segments if isinstance(segments, list) else []):
                if isinstance(segment, str):
                    key = key_text(("destinations", destination, number))
                    pairs.append((destination, segment, desk.place(key)))
                    keys.append(key)
        broken = _from_rows(body.get("pairs"), pairs, keys, desk)
        if not pairs and not broken and not body.get("destinations"):
            desk.say("pairs", "missing: there is nothing to activate", "give destinations: or pairs:")
        version = 1 if body.get("apiVersion") in (1, "1") else 2
        done = {
            "pairs": pairs,
            "apiVersion": version,
            "exportIds": _export_ids(body.get("exportIds"), version, desk),
            "wait": str(body.get("wait", True)).lower() not in _NO,
        }
        desk.draft.notes[id(pairs)] = keys
        return done

    def check_connection(self, connection: Connection) -> Iterator[Finding]:
        """Takes no connection."""
        del connection
        return iter(())

    def check(self, item: Item, draft: Draft) -> Iterator[Finding]:
        """Every pair: known destination, mapped audience, named once."""
        pairs: list[Pair] = item.body["pairs"]
        keys: list[str] = draft.notes[id(pairs)]
        first: dict[tuple[str, str], str] = {}
        mapped: dict[str, frozenset[str] | None] = {}
        for (destination, segment, place), key in zip(pairs, keys, strict=True):
            before = first.setdefault((destination, segment), place)
            if before is not place:
                yield Finding(
                    key,
                    f"the pair '{destination}' and '{segment}' stands twice, first at {before}",
                    "an audience is activated once; keep one of the two",
                    place=place,
                )
                continue
            wrong = _wrong(destination, segment, draft, mapped)
            if wrong is not None:
                yield Finding(key, *wrong, place=place)


def _mapping(value: Any) -> Mapping[str, Any]:
    return value if isinstance(value, Mapping) else {}


def _wrong(
    destination: str, segment: str, draft: Draft, known: dict[str, frozenset[str] | None]
) -> tuple[str, str] | None:
    """What is wrong with a pair: message and hint. ``known`` are the audiences of items that were looked at."""
    kind = draft.by_name.kind(destination)
    if kind is None:
        if _FLOW_ID.fullmatch(destination) or draft.may_exist(destination):
            return None
        near = draft.near(destination, "audience-export")
        hint = (
            f"did you mean '{near}'?" if near else "a flow id, or the name of an audience-export item of this manifest"
        )
        return f"there is no item '{destination}', and it is no flow id", hint
    if kind != "audience-export":
        return (
            f"'{destination}' is an item of kind {kind}",
            "only audience-export items can be activated",
        )
    if destination not in known:
        known[destination] = draft.once(draft.by_name[destination].body.get("audiences"), _ids, "ids")
    mapped = known[destination]
    if mapped is None or segment in mapped:
        return None
    near = nearest(segment, mapped)
    hint = f"did you mean '{near}'?" if near else f"it maps: {', '.join(sorted(mapped)[:5])}"
    return f"the item '{destination}' does not export the audience '{segment}'", hint


def _ids(audiences: Any) -> frozenset[str] | None:
    """Every id the audiences answer to (trap 68), or ``None`` when they are not all known."""
    found: set[str] = set()
    for audience in audiences if isinstance(audiences, list) and audiences else [None]:
        ids = [_mapping(audience).get(key) for key in ("id", "systemSegmentId")]
        if not isinstance(ids[0], str):
            return None
        found.update(one for one in ids if isinstance(one, str))
    return frozenset(found)


def _from_rows(spec: Any, pairs: list[Pair], keys: list[str], desk: Desk) -> bool:
    """Append the pairs of a file or list. Returns whether some could not be read."""
    if spec is None:
        return False
    key = "pairs"
    if isinstance(spec, str):
        spec = {"jsonl" if spec.endswith((".jsonl", ".ndjson")) else "csv": spec}
    elif isinstance(spec, list):
        spec = {"rows": spec}
    if isinstance(spec, Mapping) and "range" in spec:
        desk.say("pairs.range", "numbers are no pairs", "use csv, jsonl, rows or matrix")
        return True
    source = desk.rows(spec, key)
    if source.columns is not None and not set(COLUMNS) <= set(source.columns):
        missing = " and ".join(repr(name) for name in COLUMNS if name not in source.columns)
        near = nearest(next(name for name in COLUMNS if name not in source.columns), source.columns)
        place = source.rows[0].place.rpartition(":")[0] + ":1" if source.rows and source.label != "matrix" else ""
        desk.say(
            "pairs",
            f"{source.label} has no column {missing}",
            f"rename '{near}'" if near else "columns: destinationId, segmentId",
            place,
        )
        return True
    for row in source.rows:
        found = [row.value.get(name) for name in COLUMNS] if isinstance(row.value, Mapping) else row.value
        if isinstance(found, list) and len(found) == 2 and all(isinstance(one, str) and one.strip() for one in found):
            pairs.append((found[0].strip(), found[1].strip(), row.place))
            keys.append("pairs")
        elif not (isinstance(found, list) and UNRESOLVED in found):
            source.broken = True
            desk.say(
                "pairs",
                "a pair needs destinationId and segmentId, both text",
                "quote ids made of digits; no cell may be empty",
                row.place,
            )
    return source.broken


def _export_ids(value: Any, version: int, desk: Desk) -> str | list[str]:
    if value is None or value is UNRESOLVED:
        return "auto"
    if version == 2:
        desk.say("exportIds", "belongs to apiVersion 1", "leave it out, or set apiVersion: 1")
        return "auto"
    if value == "auto":
        return "auto"
    listed = value if isinstance(value, list) else [value]
    if not listed or not all(isinstance(one, (str, int)) and not isinstance(one, bool) and str(one) for one in listed):
        desk.say("exportIds", "must be auto or a list of export job ids", "exportIds: auto")
        return "auto"
    return [str(one) for one in listed]  # the platform's ids are numbers, its requests want text (trap 13)
