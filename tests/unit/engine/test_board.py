"""The board of awaited runs: what is asked when, and that every end is noticed once, whatever lists leave out."""

from __future__ import annotations

from random import Random

from hypothesis import given, settings
from hypothesis import strategies as st

from headgate.engine.board import CROWDED_S, MISSES, PAGE, Board
from headgate.exchange import Answer, Problem, Verdict
from headgate.pacing import PollPolicy
from headgate.pacing.lengths import Lengths

T0 = 1_780_000_000.0


def view(run, began_s, end_s, now_s, *, timed=True, status=None):
    over = end_s <= now_s
    duration = {"startedAtUTC": int(began_s * 1000)}
    if over and timed:
        duration["completedAtUTC"] = int(end_s * 1000)
    return {
        "id": run,
        "createdAt": int(began_s * 1000),
        "flowId": f"F-{run}",
        "flowSpec": {"id": "spec"},
        "metrics": {
            "durationSummary": duration,
            "statusSummary": {"status": status or ("success" if over else "processing")},
        },
    }


def ok(items, token="", date_s=None):
    links = {"next": {"href": f"/runs?continuationToken={token}"}} if token else {}
    return Answer(Verdict.OK, 200, {"items": items, "_links": links}, date_s=date_s)


def board(lengths=None, poll=None):
    return Board(poll or PollPolicy(), lengths or Lengths())


def runs(count, prefix="r"):
    return {f"{prefix}{n}": (f"audience:{n}",) for n in range(count)}


def asked(look):
    return dict(look.call.query).get("property", look.call.path)


def test_nobody_asks_before_a_run_may_be_over():
    of = board()
    of.wait(0, runs(3), T0, T0)
    assert of.next_s() == T0 + 30
    assert of.ask(T0 + 29) is None
    assert asked(of.ask(T0 + 30)) == "id==r0,r1,r2"
    assert of.next_s() is None, "nothing is asked while a list is being read"


def test_what_nobody_has_seen_is_looked_at_at_once():
    of = board()
    of.wait(0, runs(1), None, T0)
    look = of.ask(T0)
    assert asked(look) == "id==r0"
    of.answered(look, ok([view("r0", T0 - 80, T0 + 9e9, T0)]), T0)
    assert of.next_s() == T0 + 80 / 8, "an eighth of its age later, for a single run"


def test_looks_grow_apart_with_age_up_to_the_cap():
    of = board()
    of.wait(0, runs(1), T0, T0)
    gaps, last = [], None
    for _ in range(70):
        now = of.next_s()
        of.answered(of.ask(now), ok([view("r0", T0, T0 + 9e9, now)]), now)
        gaps.append(now - (last or T0))
        last = now
    assert gaps[0] == 30
    assert gaps[1:] == sorted(gaps[1:])
    assert gaps[-1] == 120


def test_what_earlier_runs_took_says_when_the_first_look_is_worth_while():
    lengths = Lengths()
    for _ in range(5):
        lengths.learn(("audience:0",), 100.0)
    of = board(lengths)
    of.wait(0, runs(1), T0, T0)
    assert T0 + 70 < of.next_s() < T0 + 100
    lengths = Lengths()
    for _ in range(5):
        lengths.learn(("audience:0",), 5000.0)
    later = board(lengths)
    later.wait(0, runs(1), T0, T0)
    assert later.next_s() == T0 + 120, "it is looked at now and then all the same"


def test_many_runs_are_asked_for_by_what_ended_since_the_last_answer():
    of = board()
    of.wait(0, runs(PAGE + 1), T0, T0)
    look = of.ask(T0 + 30)
    assert asked(look) == f"metrics.durationSummary.completedAtUTC>{int((T0 - 15) * 1000)}"
    of.answered(look, ok([view("r7", T0, T0 + 29, T0 + 30)], date_s=T0 + 28), T0 + 30)
    assert [found.run for found in of.news] == ["r7"]
    assert of.news[0].lag_s == 1.0
    assert of.news[0].seconds == 29.0
    again = of.ask(of.next_s())
    assert asked(again) == f"id=={','.join(f'r{n}' for n in range(PAGE + 1) if n != 7)}", "few enough to be named"


def test_the_bound_is_the_platforms_time_of_the_first_page_and_waits_for_the_last():
    of = board()
    of.wait(0, runs(300), T0, T0)
    look = of.ask(T0 + 30)
    of.answered(look, ok([], "t=", date_s=T0 + 20), T0 + 30)
    page = of.ask(T0 + 30)
    assert dict(page.call.query)["continuationToken"] == "t="
    assert asked(page) == asked(look)
    of.answered(page, ok([], date_s=T0 + 25), T0 + 31)
    following = of.ask(of.next_s())
    assert asked(following) == f"metrics.durationSummary.completedAtUTC>{int((T0 + 20 - 15) * 1000)}"


def test_a_list_full_of_the_runs_of_others_is_not_read_to_its_end():
    of = board()
    of.wait(0, runs(150), T0, T0)
    look, pages = of.ask(T0 + 30), 0
    while asked(look).startswith("metrics"):
        of.answered(look, ok([view(f"theirs{pages}", T0, T0 + 1, T0 + 30)], f"t{pages}", date_s=T0 + 30), T0 + 30)
        look = of.ask(T0 + 31)
        pages += 1
        assert pages < 10
    assert asked(look).startswith("id==")
    assert not of.news
    while look is not None:
        of.answered(look, ok([view(run, T0, 9e12, T0) for run in look.runs]), T0 + 32)
        look = of.ask(T0 + 32)
    now = T0 + 32 + CROWDED_S
    assert asked(of.ask(now)).startswith("metrics"), "later it is tried again"


def test_a_platform_that_does_not_know_the_filter_is_asked_by_names_from_then_on():
    of = board()
    of.wait(0, runs(150), T0, T0)
    of.answered(of.ask(T0 + 30), Answer(Verdict.REJECTED, 400, problem=Problem(400, "1449-400", "no")), T0 + 30)
    for _ in range(20):
        now = of.next_s()
        look = of.ask(now)
        while look is not None:
            assert asked(look).startswith("id==")
            of.answered(look, ok([view(run, T0, 9e12, now) for run in look.runs]), now)
            look = of.ask(now)


def test_a_list_that_lags_reaches_back_further_and_one_that_shows_nothing_is_given_up():
    of = board()
    of.wait(0, runs(300), T0, T0)
    bounds = []
    for _ in range(150):
        if not len(of):
            break
        now = max(of.next_s(), T0)
        look = of.ask(now)
        while look is not None:
            since = asked(look).startswith("metrics")
            if since:
                bounds.append(now - int(asked(look).rpartition(">")[2]) / 1000)
            items = [] if since else [view(run, T0, T0 + 31, now) for run in look.runs[:3]]
            items += [] if since else [view(run, T0, 9e12, now) for run in look.runs[3:]]
            of.answered(look, ok(items, date_s=now), now)
            look = of.ask(now)
    assert max(bounds) > 200
    assert MISSES <= len(of.news)
    assert not of._useful


def test_a_run_that_no_list_shows_is_asked_for_alone():
    of = board()
    of.wait(0, runs(2), None, T0)
    now, alone = T0, 0
    for _ in range(30):
        now = max(now, of.next_s())
        look = of.ask(now)
        if look.kind == "one":
            assert look.runs == ("r1",)
            alone += 1
            of.answered(look, ok([view("r1", T0, 9e12, now)]), now)
        else:
            of.answered(look, ok([view("r0", T0, 9e12, now)]), now)
    assert 3 < alone < 20


def test_a_run_that_nobody_may_read_is_told_as_such():
    of = board()
    of.wait(4, runs(1), None, T0)
    no = Answer(Verdict.REFUSED, 403, problem=Problem(403, "", "no right"))
    of.answered(of.ask(T0), no, T0)
    of.answered(of.ask(T0), no, T0)
    assert of.woken == [4]
    assert of.drop(4)["r0"].problem.message == "no right"
    assert not of.news


def test_two_jobs_may_wait_for_one_run():
    of = board()
    of.wait(1, runs(1), T0, T0)
    of.wait(2, runs(2), T0, T0)
    of.answered(of.ask(T0 + 30), ok([view("r0", T0, T0 + 3, T0 + 30), view("r1", T0, 9e12, T0 + 30)]), T0 + 30)
    assert of.woken == [1]
    assert [found.run for found in of.news] == ["r0"]
    assert set(of.drop(1)) == set(of.drop(2)) == {"r0"}
    assert len(of) == 0
    assert of.next_s() is None


def test_a_clock_that_is_set_moves_no_wait():
    of = board()
    of.wait(0, runs(2), T0, T0)
    of.shift(-7200.0)
    assert of.next_s() == T0 + 30 - 7200
    look = of.ask(T0 + 30 - 7200)
    of.answered(look, ok([view(run, T0 - 7200, 9e12, 0) for run in look.runs]), T0 + 30 - 7200)
    assert T0 + 30 < of.next_s() + 7200 < T0 + 60


def test_the_bound_follows_when_all_runs_were_named():
    of = board()
    of.wait(0, runs(2), T0, T0)
    for now in (T0 + 30, T0 + 600):
        look = of.ask(now)
        of.answered(look, ok([view(run, T0, 9e12, now) for run in look.runs], date_s=now), now)
    of.wait(1, runs(200, "s"), T0 + 600, T0 + 600)
    look = of.ask(T0 + 630)
    assert asked(look) == f"metrics.durationSummary.completedAtUTC>{int((T0 + 600 - 15) * 1000)}"


def test_no_more_than_a_page_is_named_at_once():
    of = board()
    of.wait(0, runs(250), None, T0)
    sizes = []
    while (look := of.ask(T0)) is not None:
        sizes.append(len(look.runs))
    assert sizes == [100, 100, 50]


@settings(deadline=None, max_examples=40)
@given(st.data())
def test_every_end_is_noticed_exactly_once(data):
    """Lists lag, omit, repeat, and are full of others; answers are lost; some runs never show a time or a state."""
    count = data.draw(st.integers(1, 160), "count")
    rng = Random(data.draw(st.integers(0, 2**32), "seed"))
    lag_s, omit = data.draw(st.sampled_from([0.0, 5.0, 40.0])), data.draw(st.sampled_from([0.0, 0.2]))
    poor, page = data.draw(st.booleans(), "filter refused"), data.draw(st.sampled_from([20, 100]))
    begun = {f"r{n}": T0 + rng.uniform(0, 60) for n in range(count)}
    ends = {run: at + rng.uniform(0, 400) for run, at in begun.items()}
    timed = {run: rng.random() < 0.9 for run in begun}
    of, now, noticed, woken, waits = board(), T0, [], [], sorted(begun, key=begun.get)

    def listed(look):
        if poor and look.kind == "since":
            return Answer(Verdict.REJECTED, 400)
        if look.kind != "one" and rng.random() < 0.05:
            return Answer(Verdict.LOST)
        seen_s = now - lag_s
        if look.kind == "since":
            since = int(asked(look).rpartition(">")[2]) / 1000
            found = [run for run in begun if timed[run] and since < ends[run] <= seen_s]
        else:
            found = [run for run in look.runs if begun[run] <= seen_s]
        found = [run for run in found if rng.random() >= omit]
        items = [view(run, begun[run], ends[run], seen_s, timed=timed[run]) for run in found]
        items += items[:2]
        items += [view("theirs", T0, T0, now), {"id": None}, {}]
        start = int(dict(look.call.query).get("continuationToken", "0"))
        return ok(items[start : start + page], str(start + page) if len(items) > start + page else "", float(int(now)))

    for _ in range(20_000):
        while waits and begun[waits[0]] <= now:
            run = waits.pop(0)
            of.wait(int(run[1:]), {run: (f"audience:{run}",)}, begun[run] if rng.random() < 0.9 else None, now)
        look = of.ask(now)
        if look is not None:
            of.answered(look, listed(look), now)
            noticed += [found.run for found in of.news]
            of.news = []
            for job in of.woken:
                assert set(of.drop(job)) == {f"r{job}"}
                woken.append(job)
            of.woken = []
            continue
        times = [at for at in (of.next_s(), begun[waits[0]] if waits else None) if at is not None]
        if not times:
            break
        now = max(now + 1e-3, min(times))
        assert now < T0 + 3600, "an end was overlooked"
    assert sorted(woken) == list(range(count))
    assert len(noticed) == len(set(noticed)) == count


def test_where_little_may_be_asked_names_have_their_turn_beside_what_ended():
    of = board()
    lasting = {run: T0 + 40 + 2 * number for number, run in enumerate(runs(300))}
    of.wait(0, runs(300), T0, T0)
    looks, now_s = [], T0
    while len(of) and now_s < T0 + 3600:
        now_s += 24  # there is never room for more than one look in so long
        look = of.ask(now_s)
        if look is None:
            continue
        looks.append(look.kind)
        # No end is in the list of what ended: these runs say nothing of when that was.
        shown = [view(run, T0, lasting[run], now_s, timed=False) for run in look.runs]
        of.answered(look, ok(shown, date_s=now_s), now_s)
        assert len(of._queue) <= 4, "nobody stands in line twice"
    assert not len(of), "every end was seen"
    assert now_s < T0 + 1000
    assert 0.4 <= looks.count("ids") / len(looks) <= 0.8


def test_names_of_runs_that_are_over_are_not_asked_for():
    of = board()
    of.wait(0, runs(250), T0, T0)
    first = of.ask(T0 + 30)
    assert first.kind == "since"
    of.answered(first, ok([view("r0", T0, T0 + 1, T0 + 30)], date_s=T0 + 30), T0 + 30)
    named = []
    while (look := of.ask(T0 + 200)) is not None:
        named += look.runs
        of.answered(look, ok([view(run, T0, T0 + 9999, T0 + 200) for run in look.runs], date_s=T0 + 200), T0 + 200)
        of._soon_s = of._next_s = T0 + 9999
    assert "r0" not in named
