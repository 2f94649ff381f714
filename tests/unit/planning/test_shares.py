"""Whose each job is."""

from headgate.planning.model import ItemRow, Job, PairRow, Plan, SelectionRow
from headgate.planning.shares import COMMON, shares


def test_jobs_belong_to_their_entries_and_what_is_shared_goes_before_all():
    jobs = [Job(str(number), "create", "flow", {}, item) for number, item in enumerate((-1, 0, 1, 1, -1, -1))]
    plan = Plan(
        "m", "dev", jobs,
        (ItemRow("one", "a", "k", "f:1", {}), ItemRow("two", "b", "k", "f:2", {})),
        (PairRow("now", "d", "s", 0, 4),), (), "f",
        selections=(SelectionRow("watch", "w", "watch", "f:9", 5),), priorities={"two": 7, "watch": -1},
    )  # fmt: skip
    found = shares(plan)
    assert list(found.of) == [COMMON, 1, 2, 2, 3, 4]
    assert found.priorities == (8, 0, 7, 0, -1)


def test_a_plan_without_rows():
    assert shares(Plan("m", "dev", (), (), (), (), "f")).priorities == (1,)
