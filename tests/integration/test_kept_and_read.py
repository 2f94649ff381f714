"""Wherever a run was when its process died: from its kept plan it asks for, and ends with, the same as from its manifest."""

from __future__ import annotations

import asyncio
from dataclasses import replace
from hashlib import blake2b
from pathlib import Path

import pytest

import headgate
from headgate.engine.events import Answered, Claimed, Lease, Send, Ticked
from headgate.engine.live import Rules
from headgate.engine.machine import Machine
from headgate.engine.record import Latest, fold, fold_latest
from headgate.exchange import Answer, Verdict
from headgate.planning.kept import Kept, packed
from headgate.planning.outline import Outline
from headgate.settings import Profile
from headgate.store import open_store
from headgate.workflows.specs import types

MANIFESTS = Path(__file__).parents[2] / "configs" / "manifests"
#: Kinds of entries, all of them.
NAMES = ("nightly", "dataset-export", "source-ingestion", "extend-exports", "flow-action", "watch")
STEPS = 20_000


def journal_of(plan, state):
    profile = replace(Profile.load(env={}), state=str(state))
    asyncio.run(headgate.run(plan, profile=profile, simulate=True, rate="1000/s"))
    store = open_store(state, readonly=True)
    try:
        return list(store.records(store.runs()[0].id))
    finally:
        store.close()


def latest(records):
    """What a store would give of them."""
    last = {}
    for number, one in enumerate(records):
        last[one.job] = number, one
    rows = [one for _, one in sorted(last.values(), key=lambda row: row[0])]
    return Latest(
        len(records),
        {one.job: one.data for one in rows if one.kind == "settled"},
        [(one.kind, one.job, one.data) for one in rows if one.kind != "settled"],
    )


def answer_to(call) -> Answer:
    """Something that any platform might say; the same to the same."""
    remote = blake2b(repr((call.method, call.path, call.query, call.body)).encode(), digest_size=8).hexdigest()
    body = {"items": [], "id": remote, "etag": f'"{remote}"', "state": "enabled", "name": "x"}
    return Answer(Verdict.OK, 200 if call.method == "GET" else 201, body, requests=1)


def walked(machine):
    """Every request in its order, and the end."""
    asked, at, commands = [], 0.0, machine.handle(Ticked(0.0))
    for _ in range(STEPS):
        if machine.finished:
            break
        events = []
        for command in commands:
            if isinstance(command, Send):
                asked.append((command.job, command.call))
                events.append(Answered(command.job, command.attempt, answer_to(command.call), at))
            elif isinstance(command, Lease):
                events.append(Claimed(command.job, at))
        if not events:
            at = machine.next_wake() or at + 1.0
            events = [Ticked(at)]
        commands = machine.handle(*events)
    return asked, machine.durable(), machine.counts, machine.failed_rows


@pytest.mark.parametrize("name", NAMES)
def test_the_same_from_every_point_of_a_journal(name, tmp_path):
    plan = headgate.plan(headgate.load(MANIFESTS / f"{name}.yaml"), sandbox="dev")
    records = journal_of(plan, tmp_path / "state.db")
    kept, outline = Kept(packed(plan)), Outline.of(plan).packed()
    compared = 0
    for cut in sorted({0, 1, 2, *(len(records) * share // 9 for share in range(10)), len(records) - 1}):
        some = records[:cut]
        if not kept.hidden <= latest(some).settled.keys():
            continue  # from the manifest it is, then
        compared += 1
        one = Machine(plan, Rules(), now_s=1e9, past=fold(some))
        other = Machine(kept.plan(outline, types()), Rules(), now_s=1e9, past=fold_latest(latest(some)))
        assert other.open == one.open
        assert other.states() == one.states()
        assert walked(other) == walked(one)
    assert compared >= 3
