"""What a sandbox has once, in the machine: made by who holds its mark, of all runs that share a store."""

from __future__ import annotations

from dataclasses import replace

import pytest

from headgate.engine.events import Claimed, Lease, Stop, StopAsked, Tell, Ticked
from headgate.engine.live import State
from headgate.engine.machine import Machine
from headgate.engine.live import Rules
from headgate.engine.record import Record, fold
from headgate.exchange import Answer, Verdict

from tests.unit.engine.test_machine import EMPTY, NO, answer, finish, job, machine, plan, sends, written

ONCE = job("once", shared=True)
MARK = ONCE.spec.marker
POSTED = {"at": "post", "posts": 1, "faults": 0}
BY = "run other, driven by process 7 on h"


def leases(commands):
    return [command for command in commands if isinstance(command, Lease)]


def begun(**changes):
    """A machine of what is shared and hundreds that need it, which has asked for the mark; and the lease."""
    of = machine(ONCE, *(job(f"n{number}", 0) for number in range(300)), concurrency=10, **changes)
    commands = of.handle(Ticked(0.0))
    assert not sends(commands), "nothing is asked of the platform before the mark is ours"
    (lease,) = leases(commands)
    assert (lease.job, lease.keys) == (0, (MARK,))
    return of


def test_what_belongs_to_one_manifest_asks_for_no_lease():
    assert not leases(machine(job("own"), job("other")).handle(Ticked(0.0)))


def test_what_the_store_knew_at_the_start_asks_for_no_lease():
    of = machine(ONCE, job("next", 0), known={MARK: ("x", "d1")})
    commands = of.handle(Ticked(0.0))
    assert not leases(commands)
    assert [send.job for send in sends(commands)] == [1]


def test_granted_it_is_made_and_the_mark_given_back_with_the_answer():
    of = begun()
    (post,) = sends(of.handle(Claimed(0, 0.0)))
    assert (post.call.method, post.intent.made.marker) == ("POST", MARK)
    (settled,) = written(answer(of, post))
    assert (settled.data["output"]["id"], settled.frees) == ("x", (MARK,))


def test_given_up_the_mark_is_given_back():
    of = begun()
    (post,) = sends(of.handle(Claimed(0, 0.0)))
    first, *skipped = written(answer(of, post, NO))
    assert first.frees == (MARK,)
    assert len(skipped) == 300


def test_who_waits_holds_no_slot_and_says_once_for_whom():
    of = begun()
    told = []
    for second in range(5):
        commands = of.handle(Claimed(0, float(second), by=BY))
        told += [command for command in commands if isinstance(command, Tell)]
        assert not sends(commands)
        assert (of.live[0].state, of.in_flight) == (State.PAUSED, 0)
        assert of.live[0].reason == f"{BY} is at work on once"
        assert leases(of.handle(Ticked(of.next_wake())))
    assert [(each.name, each.fields["reason"]) for each in told] == [("hold", f"{BY} is at work on once")]


def test_made_by_another_run_meanwhile_it_is_used_and_nothing_is_asked():
    of = begun()
    of.handle(Claimed(0, 0.0, by=BY))
    of.handle(Ticked(of.next_wake()))
    commands = of.handle(Claimed(0, 2.0, known={MARK: ("theirs", "d1")}))
    (settled,) = written(commands)
    assert settled.data["output"] == {"id": "theirs", "found": "store"}
    assert (settled.frees, settled.made) == ((MARK,), None)
    assert {send.call.method for send in sends(commands)} == {"POST"}, "what needs it goes at once"
    assert 0 not in {send.job for send in sends(commands)}


def test_made_by_another_program_from_other_content_it_is_compared():
    of = begun()
    (look,) = sends(of.handle(Claimed(0, 0.0, known={MARK: ("theirs", "d0")})))
    assert look.call.path == "/connections/theirs"


def test_in_doubt_because_its_holder_died_it_is_looked_for_and_stays_in_doubt_until_it_is_known():
    of = begun()
    (look,) = sends(of.handle(Claimed(0, 0.0, known={MARK: ("", "d1")})))
    for _ in range(4):
        assert not sends(answer(of, look, EMPTY)), "a list may lag"
        (look,) = sends(of.handle(Ticked(of.next_wake())))
    (post,) = sends(answer(of, look, EMPTY))
    assert post.call.method == "POST"
    # Refused before it is carried out, the request is given back; what the dead one sent may be there all the same.
    commands = answer(of, post, Answer(Verdict.REFUSED, 401))
    assert finish(commands) is not None
    assert not [record for record in written(commands, "step") if record.made]


def test_resumed_it_asks_for_its_mark_before_it_looks():
    of = machine(ONCE, past=fold([Record("intent", 0, POSTED)]))
    commands = of.handle(Ticked(0.0))
    assert not sends(commands)
    (lease,) = leases(commands)
    assert lease.keys == (MARK,)
    (look,) = sends(of.handle(Claimed(0, 0.0, known={MARK: ("", "d1")})))
    assert look.call.method == "GET"


def test_resumed_after_another_run_took_over_and_made_it_nothing_is_asked():
    of = machine(ONCE, past=fold([Record("intent", 0, POSTED)]))
    of.handle(Ticked(0.0))
    commands = of.handle(Claimed(0, 0.0, known={MARK: ("theirs", "d1")}))
    assert not sends(commands)
    assert written(commands)[0].data["output"]["id"] == "theirs"
    assert finish(commands).stop is None


def test_what_is_to_be_replaced_is_not_taken_for_what_is_wanted():
    new = replace(plan(ONCE), replaces={0: "old"})
    of = Machine(new, Rules(), now_s=1e9, known={MARK: ("old", "d0")})
    assert leases(of.handle(Ticked(0.0)))
    (look,) = sends(of.handle(Claimed(0, 0.0, known={MARK: ("old", "d0")})))
    assert look.call.path == "/connections"


@pytest.mark.parametrize("known", [{}, {MARK: ("theirs", "d1")}])
def test_a_run_that_was_stopped_begins_nothing_with_what_it_is_granted(known):
    of = begun()
    assert finish(of.handle(StopAsked(Stop.INTERRUPTED, 0.5)))
    assert of.handle(Claimed(0, 1.0, known=known)) == []
    assert of.open == 301, "what its journal says"
