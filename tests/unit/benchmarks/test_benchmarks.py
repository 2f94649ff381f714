"""The benchmark command works: its smallest runs print ratios, and its arithmetic is right."""

from __future__ import annotations

import orjson
import pytest
from benchmarks.__main__ import main
from benchmarks.loading import loaded
from benchmarks.measure import Figure, Lap, alternate
from benchmarks.plans import BODY_BYTES, bodies, compiled, grove, items_for
from benchmarks.scenarios.pace import steady_rate, worst_second
from benchmarks.weighing import weighed


def test_smallest_runs_print_a_ratio_each(capsys, tmp_path):
    main(
        ["--only", "engine", "--only", "resume", "--scale", "0.003", "--rounds", "1", "--json", "--room", str(tmp_path)]
    )
    printed = orjson.loads(capsys.readouterr().out)
    assert printed["facts"]["python"]
    assert {figure["scenario"] for figure in printed["figures"]} == {"engine", "resume"}
    assert all(figure["median"] > 0 for figure in printed["figures"])
    assert not list(tmp_path.iterdir())


def test_the_table_names_every_figure(capsys, tmp_path):
    main(["--only", "jobs", "--scale", "0.001", "--rounds", "1", "--room", str(tmp_path)])
    printed = capsys.readouterr().out
    assert "CPU per job ÷ bare worker pool, SQLite journal" in printed
    assert "bytes per job" in printed


def test_a_manifest_is_weighed_in_a_process_of_its_own():
    found = loaded(20)
    assert (found.rows, found.jobs) == (20, 106)
    assert found.loading >= found.loaded
    assert found.load_us > 0 < found.plan_us


def test_a_plan_is_weighed_in_a_process_of_its_own():
    weight = weighed(100)
    assert weight.jobs == len(compiled(items_for(100)).jobs)
    assert weight.cpu_us > weight.plan_us > 0
    assert weight.peak >= weight.settled


def test_an_unknown_scenario_is_refused(capsys):
    with pytest.raises(SystemExit):
        main(["--only", "speed"])
    assert "invalid choice" in capsys.readouterr().err


def test_a_grove_has_twenty_items_to_a_base_and_bodies_of_one_size():
    plan = grove(41)
    assert len(plan.jobs) == 41 * 3 + 3
    assert all(edge < index for index, job in enumerate(plan.jobs) for edge in job.needs.values())
    assert (compiled(41).jobs, compiled(41).items) == (plan.jobs, plan.items)
    assert {len(orjson.dumps(job.spec.body)) for job in plan.jobs} == {BODY_BYTES}
    assert len({job.spec.marker for job in plan.jobs}) == len(plan.jobs)
    assert bodies(plan)[1]["baseConnectionId"]
    assert items_for(len(plan.jobs)) == 41


async def test_each_lap_is_compared_with_those_right_before_and_after_it():
    plain = iter([Lap(10, 1.0, 1.0), Lap(10, 3.0, 1.0), Lap(10, 5.0, 1.0)])
    ours = iter([Lap(10, 2.0, 1.0), Lap(10, 8.0, 1.0)])

    async def next_plain():
        return next(plain)

    async def next_ours():
        return next(ours)

    pairs = await alternate(2, next_plain, next_ours)
    assert [pair.plain.per_s for pair in pairs] == [5.0, 2.5]
    assert [pair.ours.wall_us / pair.plain.wall_us for pair in pairs] == [1.0, 2.0]


def test_the_worst_second_begins_anywhere():
    assert worst_second([0.0, 0.6, 0.9, 1.1, 1.5, 2.5]) == 4
    assert worst_second([0.0, 1.0, 2.0]) == 1


def test_the_steady_rate_leaves_the_first_second_out():
    burst = [0.0] * 10
    assert steady_rate([*burst, *(1.0 + index / 50 for index in range(101))]) == pytest.approx(50.0)


@pytest.mark.parametrize(
    ("ratios", "goal", "reached"),
    [
        ([0.8, 0.95, 0.9], ">= 0.90", True),
        ([1.3, 1.2, 1.0], "<= 1.10", False),
        ([1.0], "", None),
    ],
)
def test_a_goal_is_judged_by_the_median(ratios, goal, reached):
    assert Figure("engine", "x", ratios, goal).reached is reached
