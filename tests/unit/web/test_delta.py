"""What changed between two states: small, and enough to make the second out of the first."""

import copy

from hypothesis import given
from hypothesis import strategies as st

from headgate.web.delta import COLUMNS, delta


def applied(state, change):
    """As assets/live.js does it."""
    state = copy.deepcopy(state)
    state.update(change.get("set", {}))
    for name in change.get("gone", ()):
        del state[name]
    for name, (length, rows) in change.get("rows", {}).items():
        table = state[name]
        del table[length:]
        for at, row in rows:
            table[at:] = [row, *table[at + 1 :]]
    for name, tail in change.get("tails", {}).items():
        for column, more in tail["more"].items():
            state[name][column] = state[name][column][: tail["stay"]] + more
        state[name].update(tail["rest"])
    return state


ROWS = st.lists(st.tuples(st.integers(0, 3), st.sampled_from("ab")).map(list), max_size=6)
JOBS = st.lists(st.integers(0, 9), max_size=6).map(
    lambda values: {**{name: list(values) for name in COLUMNS["jobs"]}, "all": len(values)}
)
STATES = st.fixed_dictionaries(
    {"items": ROWS, "jobs": JOBS, "run": st.dictionaries(st.sampled_from("ab"), st.integers(0, 2))},
    optional={"trouble": st.text(max_size=3), "pairs": ROWS},
)


@given(STATES, STATES)
def test_the_change_makes_the_one_out_of_the_other(old, new):
    assert applied(old, delta(old, new)) == new


@given(STATES)
def test_nothing_changed_is_nothing(state):
    assert delta(state, copy.deepcopy(state)) == {}


def test_of_a_table_only_rows_that_changed_are_sent():
    old = {"items": [[n, "open"] for n in range(10_000)]}
    new = {"items": [*old["items"][:42], [42, "created"], *old["items"][43:], [10_000, "open"]]}
    assert delta(old, new) == {"rows": {"items": [10_001, [[42, [42, "created"]], [10_000, [10_000, "open"]]]]}}


def test_of_columns_only_what_was_added_is_sent():
    def jobs(count):
        return {"jobs": {**{name: list(range(count)) for name in COLUMNS["jobs"]}, "bands": [["flows", 0, count, 1]]}}

    change = delta(jobs(10_000), jobs(10_002))["tails"]["jobs"]
    assert change["stay"] == 10_000
    assert change["more"]["key"] == [10_000, 10_001]
    assert change["rest"] == {"bands": [["flows", 0, 10_002, 1]]}
