"""What is seen of a run, and how the two views show it: right at 80 columns, without colour, without a terminal."""

import io
from dataclasses import replace
from types import SimpleNamespace

import pytest
from rich.console import Console

from headgate.cli import plain
from headgate.cli.live import render
from headgate.cli.progress import EntryLine, Looker, Snapshot
from headgate.cli.show import Lines
from headgate.engine.events import Stop, StopAsked, Tell
from headgate.engine.live import Rules, State
from headgate.engine.machine import Machine
from headgate.launch import Watch
from headgate.pacing.lengths import Lengths
from headgate.report.render_causes import Cause
from headgate.report.render_table import width
from headgate.workflows.contract import Await


class Clock:
    def __init__(self):
        self.at = 100.0

    def mono(self):
        return self.at

    def now(self):
        return 1.8e9 + self.at


def crowded(entries=4, **changes):
    rows = [EntryLine(f"Entry {n} with quite a long name, longer than fits", "items", n, 40, n % 3, n * 5, 200)
            for n in range(entries)]  # fmt: skip
    return replace(Snapshot(
        "first-run-20261122-031044-2426", "dev", True, 83.2, 49.8, 50, 97, 12345, 3, 12,
        [*rows, EntryLine("export now", "pairs", 120, 600, 0, 120, 600)],
        ["37 pairs held: audiences younger than an hour, next at 22:41:00 UTC", "runs in progress: 120"],
        [Cause(2, 400, "1418-400", "the flow could not be made: " + "why " * 40, "News uk", "")], 700, 1218), **changes)  # fmt: skip


def drawn(snapshot, columns, **options):
    out = io.StringIO()
    Console(file=out, width=columns, force_terminal=True, **options).print(render(snapshot, columns))
    return out.getvalue()


def test_nothing_to_see_before_a_run():
    assert Looker(Watch(), Clock()).look() is None


def test_items_jobs_rate_and_causes(hand, refused):
    clock = Clock()
    hand.watch.continued = True
    looker = Looker(hand.watch, clock)
    first = looker.look()
    assert [(row.name, row.noun, row.done, row.total) for row in first.entries] == [
        ("Flow *", "items", 0, 3), ("now", "pairs", 0, 3)]  # fmt: skip
    assert (first.jobs_done, first.jobs_total) == (0, len(hand.machine.jobs))

    while hand.machine.jobs[hand.sends[0].job].item < 0:  # base connections are nobody's own
        hand.answer()
    hand.answer(1, problem=refused)
    clock.at += 2.0
    hand.watch.tally.sent = 140
    seen = looker.look()
    assert seen.rate_per_s == 50.0
    items = seen.entries[0]
    assert (items.done, items.failed) == (0, 1), "failed at once; done when its last job is"
    assert 0 < items.steps < items.all_steps
    [cause] = seen.causes
    assert (cause.count, cause.message, cause.advice) == (1, refused.message, refused.advice)
    assert looker.look().causes[0].count == 1, "a second look counts nothing twice"


def test_waits_are_grouped_with_their_reasons(hand):
    machine = hand.machine
    adhoc = next(index for index, job in enumerate(machine.jobs) if job.kind == "adhoc")
    live = machine.live[adhoc]
    live.state, live.held_until_s = State.PAUSED, 1.8e9
    checks = [index for index, job in enumerate(machine.jobs) if job.kind == "check"]
    for index in checks:
        machine.live[index].state = State.PAUSED
        machine.live[index].reason = f"flow 11111111-2222-3333-4444-55555555555{index % 10} is still being changed"
    looker = Looker(hand.watch, Clock())
    assert looker.look().waits == [
        "3 pairs held: audiences younger than an hour, next at 08:00:00 UTC",
        "3 jobs: flow … is still being changed",
    ]
    live.held_until_s, live.state = None, State.WAITING
    assert looker.look().waits[0] == "1 ad-hoc job in line for an audience"
    live.state = State.PAUSED
    runs = {f"r{number}": () for number in range(2)}
    machine._polls.wait(adhoc, Await(runs, "2 runs in progress", {}, 2e9, 1.8e9), 100.0, 1.8e9)
    assert looker.look().waits[0] == "runs in progress: 2"


def test_who_waits_for_another_run_says_whose_and_for_what(hand):
    hand.holder = "run other-20261122-101500-ab12, driven by process 7 on h"
    while hand.sends:
        hand.answer()
    assert f"1 job: {hand.holder} is at work on headgate profile store" in Looker(hand.watch, Clock()).look().waits


def test_pairs_count_when_their_job_is_settled(hand):
    machine = hand.machine
    adhoc = next(index for index, job in enumerate(machine.jobs) if job.kind == "adhoc")
    rows = [
        [0, "activated", "r", "success", 1, None],
        [1, "failed", "r", "failed", 1, "no"],
        [2, "unmapped", None, None, 0, ""],
    ]
    machine.live.close(adhoc, {"ending": "failed", "output": {"pairs": rows}, "problem": [0, "x", "no", "", ""]})
    pairs = Looker(hand.watch, Clock()).look().entries[1]
    assert (pairs.done, pairs.failed, pairs.steps, pairs.all_steps) == (3, 1, 3, 3)


def test_a_job_that_ends_without_rows_ends_its_pairs(hand):
    machine = hand.machine
    adhoc = next(index for index, job in enumerate(machine.jobs) if job.kind == "adhoc")
    machine.live.close(adhoc, {"ending": "failed", "problem": [500, "x", "gone", "", ""]})
    pairs = Looker(hand.watch, Clock()).look().entries[1]
    assert (pairs.done, pairs.failed) == (3, 3)


def test_the_plain_line_has_no_control_characters():
    said = plain.line(crowded(waits=["a\x1b[31m\nb"], stopping="interrupted"))
    assert said.isprintable()
    assert said.startswith("83s  items 6/160  pairs 120/600  jobs 700/1218  failed 3  49.8 of 50 req/s  in flight 97")
    assert "stopping: interrupted" in said


@pytest.mark.parametrize("columns", [60, 80, 140])
@pytest.mark.parametrize("entries", [1, 4, 30])
def test_the_screen_fits(columns, entries):
    text = drawn(crowded(entries, stopping="interrupted"), columns, no_color=True, color_system=None)
    lines = text.splitlines()
    assert max(map(width, lines)) <= columns
    assert len(lines) <= 22
    assert "\x1b[3" not in text
    assert "first-run-20261122-031044-2426" in text
    assert "01:23" in text
    assert "49.8 of 50 req/s" in text
    assert "120/600 pairs" in text
    assert "2 × 400 1418-400" in text
    if entries == 30:
        assert "… 23 more" in text


def test_an_empty_run_can_be_drawn():
    assert drawn(replace(crowded(), entries=[], waits=[], causes=[]), 80)


def test_the_rate_is_known_from_the_first_look_on(hand):
    clock = Clock()
    looker = Looker(hand.watch, clock)
    clock.at += 2.0
    assert looker.look().rate == "20.0 of 50 req/s"
    assert replace(crowded(), rate_limit=2000).rate == "49.8 of 2,000 req/s"


def test_news_of_the_rate_are_shown_while_they_matter(hand):
    clock = Clock()
    looker = Looker(hand.watch, clock)
    hand.watch.gate = SimpleNamespace(rate=41.0)
    looker.hear(Tell("hold", 1, {"message": "not this"}))
    assert looker.look().pace == "rate lowered to 41/s, of 50/s asked for"
    looker.hear(Tell("rate", -1, {"message": "rate lowered to 41/s after 429"}))
    clock.at += 600
    seen = looker.look()
    assert (seen.rate_limit, seen.allowed, seen.pace) == (41.0, 50.0, "rate lowered to 41/s after 429")
    looker.hear(Tell("rate", -1, {"message": "rate raised to 50/s"}))
    hand.watch.gate.rate = 50.0
    assert looker.look().pace == "rate raised to 50/s"
    clock.at += 30
    assert looker.look().pace == "", "it is what it was: no news any more"


def test_a_rate_that_was_lowered_is_shown_as_it_is_by_now(hand):
    clock = Clock()
    looker = Looker(hand.watch, clock)
    hand.watch.gate = SimpleNamespace(rate=45.8)
    looker.hear(Tell("rate", -1, {"scope": "", "perSecond": 47.2, "message": "rate lowered to 47.2/s after 429"}))
    clock.at += 1
    assert looker.look().pace == "rate lowered to 45.8/s after 429"
    hand.watch.tally.throttled += 1
    clock.at += 1
    assert looker.look().pace == "rate lowered to 45.8/s after 429; waits after each refusal as it is told to"
    looker.hear(
        Tell("rate", -1, {"scope": "POST", "perSecond": 10, "message": "rate of POST lowered to 10/s after 503"})
    )
    assert looker.look().pace.startswith("rate of POST lowered to 10/s after 503")


def test_a_pause_is_shown_and_is_no_rate(hand):
    clock = Clock()
    looker = Looker(hand.watch, clock)
    looker.look()
    for _ in range(8):
        clock.at += 5
        hand.watch.tally.sent += 100
        before = looker.look().left
    hand.watch.pause()
    for _ in range(8):
        clock.at += 5
        seen = looker.look()
        assert (seen.pace, seen.left) == ("paused from a live page: no request leaves until it goes on", None)
    hand.watch.go()
    clock.at += 5
    hand.watch.tally.sent += 100
    assert looker.look().left == before


def test_what_a_plan_that_was_kept_leaves_to_do_is_estimated_too(hand):
    clock = Clock()
    whole = Looker(hand.watch, clock).look().left
    hand.machine.jobs = [replace(job, requests=()) for job in hand.machine.jobs]
    assert Looker(hand.watch, clock).look().left == whole


def test_what_is_asked_for_is_counted_by_endpoint(hand):
    asked = dict(Looker(hand.watch, Clock()).look().flying)
    assert sum(asked.values()) == len(hand.sends)
    assert "GET /connections" in asked


def test_the_end_is_estimated_until_the_run_is_stopped(hand):
    clock = Clock()
    looker = Looker(hand.watch, clock)
    seen = looker.look()
    assert seen.left.low_s >= 3600, "the flows are new, so that their audiences will be held"
    assert seen.over_at.timestamp() > clock.now() + 3600
    hand.machine.stopped = StopAsked(Stop.INTERRUPTED, 1.0, "")
    clock.at += 5
    assert looker.look().left is None


def test_the_end_is_estimated_by_how_long_runs_took_before(plan, hand):
    def left(lengths):
        clock = Clock()
        machine = Machine(plan, Rules(), now_s=1.8e9, lengths=lengths)
        for index in range(len(machine.jobs)):
            if machine.jobs[index].kind != "adhoc":
                machine.live.close(index, {"ending": "succeeded", "output": {"found": "store"}})
        hand.watch.machine = machine
        return Looker(hand.watch, clock).look().left

    assert left(None).low_s == pytest.approx(90, abs=1)
    assert left(None).high_s == pytest.approx(360, abs=1)
    lengths = Lengths()
    for seconds in (900, 1000, 1100):
        lengths.learn(("any",), seconds)
    assert 900 <= left(lengths).low_s <= left(lengths).high_s <= 1300


def test_a_log_says_each_cause_once(capsys):
    lines = Lines()
    lines.show(crowded())
    lines.show(crowded())
    said = capsys.readouterr().err
    assert said.count("failed: 400 1418-400: the flow could not be made") == 1
    assert len(said.splitlines()) == 3
