"""Forecasts: each part of the wall time, and that it costs nothing to say."""

import pytest

from headgate.planning.forecast import Assumptions, forecast
from headgate.planning.model import Job, Plan
from headgate.workflows.packing import pack
from tests.growth import grows


def plan_of(jobs):
    return Plan("m", "dev", tuple(jobs), (), (), (), "f")


def chain():
    return [
        Job("base", "create", "base", {}, requests=("GET /connections", "POST /connections")),
        Job("flow", "create", "flow", {}, needs={"base": 0}, collection="flows", requests=("POST /flows",)),
        Job("check", "check", "check", {}, needs={"flow": 1}, requests=("GET /flows/{id}",)),
        Job("lone", "create", "flow", {}, requests=("POST /flows",)),
        Job("adhoc", "adhoc", "adhoc", {"pairs": [[0, "flow", "a"]]}, after={"flow": 2}, requests=("POST /adhocrun",)),
    ]


class Learnt:
    """Knows one length for each key, and takes it for the longest of any number."""

    def __init__(self, lengths):
        self._lengths = lengths

    def longest(self, runs, _share=0.5):
        found = [next((self._lengths[key] for key in (*keys, "any") if key in self._lengths), None) for keys in runs]
        return None if None in found else max(found)

    def known(self, runs):
        return sum(any(key in self._lengths for key in keys) for keys in runs)


def why(found):
    return next(part.why for part in found.parts if part.name == "ad-hoc runs")


def parts(found):
    return {part.name: part.seconds for part in found.parts}


def test_four_parts_in_seconds():
    found = forecast(plan_of(chain()), Assumptions(rate_per_s=2, latency_s=0.5, run_s=100))
    assert parts(found) == {"requests": 3.0, "latency": 2.5, "hold": 3600.0, "ad-hoc runs": 100.0}
    assert found.total_s == 3705.5
    assert found.critical_path == ["base", "flow", "check", "adhoc"]
    assert found.requests == 6


def test_what_exists_asks_nothing_and_is_not_held():
    found = forecast(plan_of(chain()), Assumptions(rate_per_s=2, latency_s=0.5, run_s=100), {0: "id", 1: "id"})
    assert parts(found) == {"requests": 1.5, "latency": 1.0, "ad-hoc runs": 100.0}
    assert found.critical_path == ["check", "adhoc"]


def test_platform_time_may_run_faster():
    found = forecast(plan_of(chain()), Assumptions(time_scale=600))
    assert parts(found)["hold"] == 6.0
    assert parts(found)["ad-hoc runs"] == pytest.approx(0.3)


def test_jobs_that_share_an_audience_follow_each_other():
    def adhoc(*audiences, wait=True):
        pairs = [[0, "flow", audience] for audience in audiences]
        return Job("-".join(audiences), "adhoc", "adhoc", {"pairs": pairs, "wait": wait})

    assert forecast(plan_of([adhoc("a", "b"), adhoc("c"), adhoc("b", "c")]), Assumptions()).rounds == 2
    assert forecast(plan_of([adhoc("a"), adhoc("a"), adhoc("a")]), Assumptions()).rounds == 3
    unwaited = forecast(plan_of([adhoc("a", wait=False), adhoc("a", wait=False)]), Assumptions(run_s=60))
    assert parts(unwaited)["ad-hoc runs"] == 60.0


def test_runs_are_as_long_as_earlier_ones_were():
    def adhoc(*audiences):
        return Job("-".join(audiences), "adhoc", "adhoc", {"pairs": [[0, "flow", audience] for audience in audiences]})

    plan = plan_of([adhoc("a", "b"), adhoc("c"), adhoc("b", "c")])
    known = {"audience:a": 1000.0, "audience:b": 10.0, "audience:c": 20.0}
    assert parts(forecast(plan, Assumptions(run_s=60), (), Learnt(known)))["ad-hoc runs"] == 1020.0
    assert parts(forecast(plan, Assumptions(run_s=60), (), Learnt({"any": 7.0})))["ad-hoc runs"] == 14.0
    assert parts(forecast(plan, Assumptions(run_s=60), {0}, Learnt(known)))["ad-hoc runs"] == 40.0
    assert why(forecast(plan, Assumptions(), (), Learnt({}))).endswith("runs of 180 s each")
    assert why(forecast(plan, Assumptions(), (), Learnt(known))).endswith("5 runs as long as before")
    assert why(forecast(plan, Assumptions(), (), Learnt({"any": 7.0}))).endswith("runs as long as others were before")
    some = Learnt({"any": 7.0, "audience:a": 7.0})
    assert why(forecast(plan, Assumptions(), (), some)).endswith("1 run as long as before, 4 as long as others were")


def test_a_limit_of_one_endpoint_may_take_longer_than_the_rate():
    plan = plan_of(chain())
    found = forecast(plan, Assumptions(rate_per_s=2), (), None, {"all": 3.0, "POST /flows": 0.5, "GET": 10.0})
    assert parts(found)["requests"] == 4.0
    assert found.parts[0].why == "2 requests of 6 at 0.5 a second (POST /flows)"
    assert forecast(plan, Assumptions(rate_per_s=2), (), None, {"POST": 9.0, "sandbox dev": 9.0}).parts[0].seconds == 3
    slow = forecast(plan, Assumptions(rate_per_s=2), (), None, {"all": 1.0}).parts[0]
    assert (slow.seconds, slow.why) == (6.0, "6 requests at 1 a second (the limit found)")


def test_an_empty_plan_takes_no_time():
    assert forecast(plan_of([]), Assumptions()).total_s == 0


def test_json_names_the_assumptions():
    shown = forecast(plan_of(chain()), Assumptions()).as_json()
    assert shown["assumptions"] == {
        "ratePerSecond": 50.0, "latencySeconds": 0.25, "runSeconds": 180.0, "holdSeconds": 3600.0, "timeScale": 1.0,
    }  # fmt: skip
    assert {"name", "seconds", "why"} == set(shown["parts"][0])


def test_four_times_the_pairs_are_four_times_the_work():
    assert grows(lambda size: lambda: forecast(plan_of(activations(size)), Assumptions()), 400) < 1.2


def test_ten_thousand_pairs_are_one_round():
    assert forecast(plan_of(activations(2000)), Assumptions()).rounds == 1


def activations(count):
    audiences = [f"a{number}" for number in range(count) for _ in range(5)]
    jobs = [Job(f"check{n}", "check", "check", {}, requests=("GET /flows/{id}",)) for n in range(5)]
    for number, indexes in enumerate(pack(audiences).jobs):
        spec = {"pairs": [[index, f"flow{index % 5}", audiences[index]] for index in indexes]}
        jobs.append(Job(f"adhoc{number}", "adhoc", "adhoc", spec, after={f"flow{n}": n for n in range(5)},
                        requests=("GET /runs", "POST /adhocrun", "GET /runs")))  # fmt: skip
    return jobs
