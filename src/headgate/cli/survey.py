"""A plan looked at from all sides: what exists, what would be made, which limits it nears, how long it takes."""

from __future__ import annotations

from collections import Counter
from collections.abc import Collection, Mapping, Sequence
from dataclasses import asdict, field, replace
from typing import TYPE_CHECKING, Any, Final

from headgate.api import check_wishes, made_elsewhere, platform_of
from headgate.changes import changed_items, stuck_words, ways_out
from headgate.classes import frozen
from headgate.clock import SystemClock
from headgate.drift import ACTIONS
from headgate.embedded import SIMULATED_TIME_SCALE
from headgate.engine.gate import Gate
from headgate.launch import REPLACES, Wishes, last_unfinished, rules_of
from headgate.pacing.lengths import Lengths
from headgate.planning.forecast import Assumptions, Forecast, forecast
from headgate.planning.model import DATASETS, LISTING, needless
from headgate.report.render_table import plural
from headgate.workflows.replace import extended, replacements

if TYPE_CHECKING:
    from headgate.cli.preview import Preview
    from headgate.drift import ObjectState
    from headgate.planning.model import ItemRow, Plan
    from headgate.settings import Profile
    from headgate.store.contract import Store

#: Adobe's guardrails (facts 8): audiences and attributes of one destination, destinations of a sandbox, audiences at
#: one hour.
AUDIENCES_OF_A_FLOW: Final = 250
ATTRIBUTES_OF_A_FLOW: Final = 50
DESTINATIONS_OF_A_SANDBOX: Final = 100
AUDIENCES_AT_AN_HOUR: Final = 100
#: Objects that a refusal names.
_MOST_STUCK: Final = 3


@frozen
class Survey:
    """``reused`` are ids by job; ``requests`` by endpoint, without what exists; ``refusals`` make `run` refuse.

    ``spared`` are jobs that ask nothing because nobody needs their answer.
    """

    plan: Plan
    reused: Mapping[int, str]
    spared: Collection[int]
    #: What becomes of each item, in the plan's order: ``create``, ``update``, ``reuse``, ``replace`` or ``refused``;
    #: with a look at the platform also ``drifted`` or ``gone``.
    fates: Sequence[str]
    requests: Counter[str]
    warnings: Sequence[str]
    refusals: Sequence[str]
    unfinished: str
    forecast: Forecast
    pairs: int
    edges: int
    selections: Sequence[Preview] = ()
    #: What the platform was found to hold of what is known, by job; ``None`` where nobody looked.
    states: Mapping[int, ObjectState] | None = None
    #: Of objects that cannot be changed in place, in which respects they would have to be, by job.
    reasons: Mapping[int, str] = field(default_factory=dict)
    #: Jobs whose object exists and is to be changed in place.
    updated: Collection[int] = ()

    def beside(self, states: Mapping[int, ObjectState]) -> Survey:
        """The same, with every item called by the gravest of what was found of its objects."""
        fates = [
            min({fate, *(states[job].action for job in row.jobs.values() if job in states)}, key=ACTIONS.index)
            for row, fate in zip(self.plan.items, self.fates, strict=True)
        ]
        return replace(self, states=states, fates=fates)

    def count(self, fate: str) -> int:
        """How many items meet ``fate``."""
        return self.fates.count(fate)

    def jobs_by_kind(self) -> dict[str, dict[str, int]]:
        """Jobs by what they do, in the order in which they first come: how many, and how many find their object."""
        found: dict[str, dict[str, int]] = {}
        for index, job in enumerate(self.plan.jobs):
            row = found.setdefault(_label(job.kind, job.collection), {"total": 0, "reuse": 0})
            row["total"] += 1
            row["reuse"] += index in self.reused or index in self.spared
        return found

    def _told(self, jobs: Collection[int], number: int) -> dict[str, Any]:
        """Why an item is replaced or refused, and what was found of its own objects, if somebody looked."""
        why = "; ".join(self.reasons[job] for job in sorted(jobs) if job in self.reasons)
        told: dict[str, Any] = {"reason": why} if why else {}
        return told if self.states is None else {**told, "objects": self._objects(jobs, number)}

    def _objects(self, jobs: Collection[int], item: int) -> list[dict[str, Any]]:
        """What was found of an item's own objects (-1: of those that several share)."""
        states = sorted((self.states or {}).items())
        return [state.as_json(self.plan) for job, state in states if job in jobs and self.plan.jobs[job].item == item]

    def as_json(self) -> dict[str, Any]:
        """``headgate.plan/1`` without its schema line's place in a file: also what `plan --out` saves."""
        plan = self.plan
        return {
            "schema": "headgate.plan/1",
            "path": plan.source.get("path", ""),
            "asked": {key: value for key, value in plan.source.items() if key != "path"},
            "manifest": plan.manifest,
            "sandbox": plan.sandbox,
            "fingerprint": plan.fingerprint,
            "items": {
                "total": len(plan.items),
                "create": self.count("create"),
                "update": self.count("update"),
                "reuse": self.count("reuse"),
                **{fate: count for fate in ("replace", "refused", "drifted", "gone") if (count := self.count(fate))},
            },
            "actions": [
                {"entry": row.entry, "item": row.item, "action": fate, **self._told(set(row.jobs.values()), number)}
                for number, (row, fate) in enumerate(zip(plan.items, self.fates, strict=True))
            ],
            **({} if self.states is None else {"shared": self._objects(set(self.states), -1)}),
            "pairs": self.pairs,
            "jobs": {"total": len(plan.jobs), "reuse": len(self.reused), "byKind": self.jobs_by_kind()},
            "edges": self.edges,
            "requests": {"total": sum(self.requests.values()), "byEndpoint": dict(sorted(self.requests.items()))},
            "adhoc": [{_camel(key): value for key, value in asdict(note).items()} for note in plan.adhoc],
            "selections": [preview.as_json() for preview in self.selections],
            "warnings": list(self.warnings),
            "refusals": list(self.refusals),
            "unfinishedRun": self.unfinished or None,
            "forecast": self.forecast.as_json(),
        }


def survey(
    plan: Plan, profile: Profile, store: Store | None, *, simulate: bool, rate: str | None, anew: bool = False
) -> Survey:
    """Look at ``plan`` beside what ``store`` knows. ``anew``: what cannot be changed in place would be replaced."""
    wishes = Wishes(rate=rate)
    check_wishes(plan, profile, wishes)
    known = store.known(plan.sandbox) if store is not None else {}
    unfinished = last_unfinished(store, plan.manifest, plan.sandbox) if store is not None else None
    going_on = unfinished is not None and unfinished.fingerprint == plan.fingerprint
    begun = unfinished.args.get(REPLACES, {}) if unfinished is not None and going_on else None
    plan = extended(plan, begun if begun is not None else replacements(plan, known) if anew else {})
    reused = {
        index: found[0]
        for index, job in enumerate(plan.jobs)
        if index not in plan.replaces
        and job.collection
        and (found := known.get(job.spec.marker))
        and found[0]
        and found[1] == job.digest
    }
    changed, stuck = changed_items(plan, known)
    reasons = {index: stuck_words(plan, index, known) for index in stuck}
    stuck = [index for index in stuck if index not in plan.replaces]
    updated = {index for index in changed if known[plan.jobs[index].spec.marker][0]} - plan.replaces.keys()
    anew_too = {index for index in plan.replaces if DATASETS not in plan.jobs[index].needs}
    spared = needless(plan.jobs, {*reused, *updated, *anew_too})
    fates = [_fate(plan, row, reused, updated, set(stuck)) for row in plan.items]
    requests: Counter[str] = Counter()
    for index, job in enumerate(plan.jobs):
        if index in reused or index in spared:
            continue
        # What exists is read and not changed, unless something is found missing.
        exists = job.kind == "selectors" and (job.needs["flow"] in reused or job.needs["flow"] in updated)
        if index in updated:
            requests.update(f"{method} /{job.collection}/{{id}}" for method in ("GET", "PATCH", "GET"))
        else:
            requests.update(("GET /flows/{id}",) if exists else job.requests)
        if index in plan.replaces:  # looked for before it is made, twice
            requests[f"GET /{job.collection}"] += 2
    refusals = _refusals(plan, profile, store, stuck, known, simulate=simulate)
    if unfinished is not None and unfinished.command != "run":
        refusals.append(
            f"run {unfinished.id} ({unfinished.command}) is unfinished: `run` would refuse (resume it first)"
        )
    elif unfinished is not None and unfinished.fingerprint != plan.fingerprint:
        refusals.append(
            f"run {unfinished.id} is unfinished, and the manifest has changed since: `run` would refuse "
            "(put it back, or --fresh)"
        )
    scale = SIMULATED_TIME_SCALE if simulate else profile.time_scale
    assumed = Assumptions(rate_per_s=rules_of(plan, profile, wishes)[1].rate_per_s, time_scale=scale)
    lengths = Lengths(store.lengths(plan.sandbox)) if store is not None else None
    return Survey(
        plan,
        reused,
        spared,
        fates,
        requests,
        _warnings(plan),
        refusals,
        unfinished.id if unfinished is not None else "",
        forecast(plan, assumed, {*reused, *spared}, lengths, _limits(profile, store, plan.sandbox, assumed.rate_per_s)),
        len(plan.pairs),
        sum(len(job.needs) + len(job.after) for job in plan.jobs),
        reasons=reasons,
        updated=updated,
    )


def _limits(profile: Profile, store: Store | None, sandbox: str, ceiling: float) -> Mapping[str, float]:
    """Limits under the rate, configured or found by an earlier run, as far as a run would begin with them."""
    gate = Gate(ceiling, SystemClock(), retry=profile.retry)
    gate.restore(store.limits(sandbox) if store is not None else {})
    return profile.limits.endpoint_rates() | gate.found()


def _fate(plan: Plan, row: ItemRow, reused: Collection[int], updated: Collection[int], stuck: Collection[int]) -> str:
    """What will become of an item: ``create``, ``update``, ``reuse``, ``replace`` or ``refused``."""
    if any(job in stuck for job in row.jobs.values()):
        return "refused"
    if any(job in plan.replaces for job in row.jobs.values()):
        return "replace"
    flow = row.jobs.get("flow", -1)
    made = [job for job in row.jobs.values() if plan.jobs[job].collection and plan.jobs[job].item >= 0]
    if all(job in reused for job in made):
        return "update" if any(job in updated for job in row.jobs.values()) else "reuse"
    # A flow that exists and is led to something new is updated.
    return "update" if flow in reused or flow in updated else "create"


def _refusals(
    plan: Plan,
    profile: Profile,
    store: Store | None,
    stuck: Sequence[int],
    known: Mapping[str, tuple[str, str]],
    *,
    simulate: bool,
) -> list[str]:
    found = []
    if stuck:
        words = [stuck_words(plan, index, known) for index in stuck]
        found.append(
            f"{plural(len(stuck), 'object exists', 'objects exist')} already and cannot be changed to what the "
            f"manifest says now ({'; '.join(words[:_MOST_STUCK])}{'; …' if len(words) > _MOST_STUCK else ''}): `run` "
            f"would refuse ({ways_out(plan, stuck)})"
        )
    stranger = ""
    if store is not None and (simulate or not profile.missing):
        stranger = made_elsewhere(store, plan.sandbox, platform_of(profile, simulate=simulate))
    if stranger:
        found.append(f"{stranger}: `run` would refuse")
    return found


def _warnings(plan: Plan) -> list[str]:
    found = []
    hours: dict[str, set[str]] = {}
    crowded: dict[tuple[str, int], list[str]] = {}
    for job in plan.jobs:
        if job.kind != "selectors":
            continue
        for what, count, most in (
            ("audiences", len(job.spec.segments), AUDIENCES_OF_A_FLOW),
            ("attributes", len(job.spec.attributes), ATTRIBUTES_OF_A_FLOW),
        ):
            if count > most:
                crowded.setdefault((what, most), []).append(f"{plan.items[job.item].item}: {count} {what}")
        for segment in job.spec.segments:
            start = str((segment.get("schedule") or {}).get("startTime") or "")
            if start:
                hours.setdefault(start[:2], set()).add(str(segment["id"]))
    for (what, most), said in crowded.items():
        more = f" ({plural(len(said) - 1, 'more item')} with too many)" if len(said) > 1 else ""
        found.append(f"{said[0]}; Adobe advises at most {most} {what} for one destination{more}")
    sources = {index for index, row in enumerate(plan.items) if row.kind == "source-ingestion"}
    flows = sum(1 for job in plan.jobs if job.collection == "flows" and job.item not in sources)
    if flows > DESTINATIONS_OF_A_SANDBOX:
        accounts = sum(1 for job in plan.jobs if job.role == "baseConnection")
        found.append(
            f"{flows:,} flows; Adobe allows {DESTINATIONS_OF_A_SANDBOX} destinations a sandbox (whether it counts "
            f"flows or accounts, here {accounts:,}, is not documented)"
        )
    found += [
        f"{len(audiences):,} audiences are exported at {hour}:00 UTC; Adobe advises at most {AUDIENCES_AT_AN_HOUR} "
        "at one hour"
        for hour, audiences in sorted(hours.items())
        if len(audiences) > AUDIENCES_AT_AN_HOUR
    ]
    return found


def _label(kind: str, collection: str) -> str:
    return {
        "connections": "base connections",
        "sourceConnections": "source connections",
        "targetConnections": "target connections",
        "flows": "flows",
        "schemas": "schemas",
        "dataSets": "datasets",
        "mappingSets": "mapping sets",
    }.get(collection) or {
        "selectors": "audiences and attributes",
        "check": "validations",
        LISTING: "listings",
        DATASETS: "dataset listings",
        "dataset-check": "validations",
        "find": "look-ups",
        "adhoc": "ad-hoc jobs",
        "select": "selections",
        "order": "waits",
    }.get(kind, kind)


def _camel(name: str) -> str:
    first, *rest = name.split("_")
    return first + "".join(word.capitalize() for word in rest)
