"""The sandbox's datasets: what exists, how it is listed, and what of it a flow may export (facts 7.1 to 7.4).

The first five are those of the tutorial, the others follow from the seed. Where the documents give no text for a
refusal it is a 400 with a bare ``message`` (shape f).
"""

from __future__ import annotations

import re
from calendar import monthrange
from collections.abc import Callable, Mapping
from datetime import UTC, datetime
from hashlib import blake2b
from typing import TYPE_CHECKING, Any

from headgate.simulator.ids import Ids, uuid_from
from headgate.simulator.reply import Ask, Refusal, Reply, message, not_found, problem

if TYPE_CHECKING:
    from headgate.simulator.world import World

_TUTORIAL = (
    ("5ef3e324052581191aa6a466", "AAM Authenticated Profiles Meta Data"),
    ("5ef3e3259ad2a1191ab7dd7d", "AAM Devices Data"),
    ("5ef3e325582424191b1beb42", "AAM Devices Profile Meta Data"),
    ("5ef3e328582424191b1beb44", "AAM Realtime"),
    ("5ef3e328fe742a191b2b3ea5", "AAM Realtime Profile Updates"),
)
_SUBJECTS = ("Orders", "Loyalty", "Web", "App", "Email", "Store", "Returns", "Support", "Consent")
_PARTS = ("Events", "Profiles", "Lookup", "Summary", "Identities")
_REGIONS = ("EMEA", "APAC", "NA", "LATAM", "Global")
#: The most a page holds, whatever was asked: in the tutorial's sample a page asked for 20 holds 5.
PAGE = 40
MAX_LIMIT = 100
_PARAMETERS = frozenset({"outputType", "outputField", "start", "limit", "properties"})
_MACRO = re.compile(r"%([^%]*)%")
_MACROS = frozenset(
    {
        "DESTINATION",
        "DATASET_ID",
        "DATASET_NAME",
        "DATETIME(YYYYMMdd_HHmmss)",
        "EXPORT_TIME",
        "DESTINATION_INSTANCE_NAME",
        "DESTINATION_INSTANCE_ID",
        "SANDBOX_NAME",
        "ORGANIZATION_NAME",
    }
)


class Datasets:
    """What exists, in every sandbox alike. ``more`` are names of further datasets by id."""

    def __init__(self, seed: int, more: Mapping[str, str]) -> None:
        ids = Ids(seed, -3)
        self.names: dict[str, str] = dict(_TUTORIAL)
        for subject in _SUBJECTS:
            for part in _PARTS:
                for region in _REGIONS:
                    self.names[ids.hex(24)] = f"{subject} {part} {region}"
        for dataset, name in more.items():
            self.names.setdefault(dataset, name)
        self._seed = seed

    def base_of(self, sandbox: str) -> str:
        """The id of the data lake's base connection, which the platform makes itself, one a sandbox."""
        return uuid_from(int.from_bytes(blake2b(f"{self._seed}:{sandbox}".encode(), digest_size=16).digest()))

    def view(self, dataset: str) -> dict[str, Any]:
        """One dataset as the list shows it."""
        return {
            "id": dataset,
            "name": self.names[dataset],
            "description": "Activation profile export dataset",
            "fileDescription": {"persisted": True, "containerFormat": "parquet", "format": "parquet"},
            "aspect": "production",
            "state": "DRAFT",
        }

    def check(self, rows: Any, exists: Callable[[str], bool] = lambda _: False) -> None:
        """``params.datasets`` of a source connection: at least one, all of them known, none twice.

        ``exists`` tells of datasets that the client has made itself.

        Raises:
            Refusal: the first thing that is wrong.
        """
        if not isinstance(rows, list) or not rows:
            raise _invalid("'params.datasets' must be a list of at least one dataset")
        for row in rows:
            if not isinstance(row, Mapping) or not isinstance(row.get("dataSetId"), str) or not row["dataSetId"]:
                raise _invalid("'params.datasets[].dataSetId' is required")
            if not isinstance(row.get("name", ""), str):  # aepp sends none
                raise _invalid("'params.datasets[].name' must be of type string")
            if row["dataSetId"] not in self.names and not exists(row["dataSetId"]):
                raise _invalid(f"DataSet not found: {row['dataSetId']}", violation="reference")
        if len({row["dataSetId"] for row in rows}) != len(rows):
            raise _invalid("'params.datasets' names a dataset twice")


def _invalid(text: str, violation: str = "body") -> Refusal:
    return message(400, text, code="400:create", violation=violation)


def configs(world: World, ask: Ask, spec_id: str) -> Reply:
    """``GET /connectionSpecs/{id}/configs``: the datasets that can be exported. ``end`` is inclusive."""
    if not world.specs.known(spec_id):
        raise not_found("connectionSpecs", spec_id)
    if spec_id != world.specs.data_lake:
        raise message(400, "this connection spec has no configs", code="400:configs", violation="query")
    given = dict(ask.query)
    for name, wanted in (("outputType", "activationDatasets"), ("outputField", "datasets")):
        if name not in given:
            raise problem("2119-400", f"The query parameter '{name}' is missing.", violation="query")
        if given[name] != wanted:
            raise message(400, f"'{name}' must be {wanted}", code="400:configs", violation="query")
    unknown = [name for name in given if name not in _PARAMETERS]
    if unknown:
        raise problem("1451-400", f"Invalid query param name {unknown[0]}.", violation="query")
    start, limit = (_number(given, name, default) for name, default in (("start", 0), ("limit", 20)))
    if not 1 <= limit <= MAX_LIMIT:
        raise message(400, f"limit must lie between 1 and {MAX_LIMIT}", code="400:limit", violation="query")
    datasets = world.specs.datasets
    names = list(datasets.names)
    shown = names[start : start + min(limit, PAGE)]
    return Reply(
        200,
        {
            "items": [datasets.view(dataset) for dataset in shown],
            "pageInfo": {
                "start": start,
                "end": start + len(shown) - 1,
                "total": len(names),
                "hasNext": start + len(shown) < len(names),
            },
        },
    )


def _number(given: Mapping[str, str], name: str, default: int) -> int:
    text = given.get(name, str(default))
    if not (text.isascii() and text.isdigit()):
        raise message(400, f"{name} must be a number", code=f"400:{name}", violation="query")
    return int(text)


def check_schedule(schedule: Any) -> None:
    """The table of facts 7.4. Times are epoch seconds: a value beyond 1e11 is milliseconds (trap 41).

    Raises:
        Refusal: the first thing that is wrong.
    """
    if not isinstance(schedule, Mapping):
        raise _invalid("'scheduleParams' is required for a dataset flow", "schedule")
    mode = schedule.get("exportMode", "FIRST_FULL_THEN_INCREMENTAL")
    cadence = (mode, schedule.get("timeUnit"), schedule.get("interval"))
    allowed = {
        ("DAILY_FULL_EXPORT", "day", 0),
        ("FIRST_FULL_THEN_INCREMENTAL", "day", 1),
        *(("FIRST_FULL_THEN_INCREMENTAL", "hour", hours) for hours in (3, 6, 9, 12)),
    }
    if isinstance(cadence[2], bool) or not isinstance(cadence[2], int) or cadence not in allowed:
        raise _invalid("'scheduleParams': exportMode, timeUnit and interval do not go together", "schedule")
    start, end = schedule.get("startTime"), schedule.get("endTime")
    for name, value in (("startTime", start), ("endTime", end)):
        if value is None and name == "endTime":
            continue
        if not isinstance(value, int) or isinstance(value, bool) or not 0 < value < 1e11:
            raise _invalid(f"'scheduleParams.{name}' must be epoch seconds", "schedule")
    if end is not None and start is not None and end <= start:
        raise _invalid("'scheduleParams.endTime' lies before startTime", "schedule")
    for name in ("foldernameTemplate", "folderNameTemplate"):  # both spellings are published (trap 30)
        if name in schedule:
            _check_folder(schedule[name], name)


def _check_folder(template: Any, name: str) -> None:
    if not isinstance(template, str) or not template.strip():
        raise _invalid(f"'scheduleParams.{name}' must be a text", "schedule")
    strange = [macro for macro in _MACRO.findall(template) if macro not in _MACROS]
    if strange or "%" in _MACRO.sub("", template):
        raise _invalid(f"'scheduleParams.{name}' holds an unknown macro {strange[0] if strange else '%'}", "schedule")


def with_end(schedule: Mapping[str, Any], now: float) -> dict[str, Any]:
    """``schedule`` as it is kept: without an end it ends six months after its creation (trap 40)."""
    if schedule.get("endTime") is not None:
        return dict(schedule)
    at = datetime.fromtimestamp(now, UTC)
    year, month = at.year + (at.month + 5) // 12, (at.month + 5) % 12 + 1
    end = at.replace(year=year, month=month, day=min(at.day, monthrange(year, month)[1]))
    return {**schedule, "endTime": int(end.timestamp())}


def note_uncompressed(world: World, ask: Ask, kept: Mapping[str, Any]) -> None:
    """JSON is exported compressed only, say the documents, and their samples send NONE (trap 35): taken, and noted."""
    params = kept.get("params") or {}
    if params.get("datasetFileType") == "JSON" and params.get("compression") == "NONE":
        world.commit(
            "violation",
            {
                "rule": "json-uncompressed",
                "requestId": ask.request_id,
                "endpoint": ask.endpoint,
                "detail": "datasetFileType JSON with compression NONE",
                "at": world.now(),
            },
        )
