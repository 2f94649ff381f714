"""Every fault point with every kind of entry: killed there by SIGKILL, resumed, and judged by the platform's ledger.

Each life is a real process. ``python -m pytest tests/kill -m chaos`` kills at every early occurrence of every point.
"""

import re

import pytest

from tests.kill.cases import Workshop, play
from tests.kill.kinds import KINDS
from tests.kill.rows import STORE_KINDS, STORE_ROWS, more_rows, rows

ROWS = {row.name: row for row in rows()}
MORE = {row.name: row for row in more_rows(9)}


@pytest.fixture(scope="module")
def outcomes(request, tmp_path_factory):
    """Futures of all chosen cases by kind, row and whether with PostgreSQL: a few workers play them in this order."""
    items = [item for item in request.session.items if getattr(item, "module", None) is request.module]
    cases = [(item.callspec.params["kind"], item.callspec.params["row"], "postgresql" in item.name) for item in items]
    state = ""
    if any(other for _, _, other in cases):
        server = request.getfixturevalue("postgres_server")
        state = server.url(server.database())
    known = {**ROWS, **MORE}
    workshop = Workshop(tmp_path_factory.mktemp("matrix"))

    def begin(number, kind, row, other):
        name = re.sub(r"\W+", "-", f"{kind}-{row}") + "-postgresql" * other
        return workshop.submit(play, name, kind, known[row], state if other else "", number if other else 0)

    try:
        yield {case: begin(number, *case) for number, case in enumerate(dict.fromkeys(cases), 1)}
    finally:
        workshop.close()


@pytest.mark.parametrize("row", ROWS)
@pytest.mark.parametrize("kind", KINDS)
def test_killed_there_it_goes_on_and_does_nothing_twice(outcomes, kind, row):
    outcomes[kind, row, False].result(timeout=110)


@pytest.mark.parametrize("row", STORE_ROWS)
@pytest.mark.parametrize("kind", STORE_KINDS)
def test_with_postgresql_as_well(outcomes, kind, row):
    """One database for all of them, each in an organisation of its own."""
    outcomes[kind, row, True].result(timeout=110)


@pytest.mark.chaos
@pytest.mark.timeout(900)
@pytest.mark.parametrize("row", MORE)
@pytest.mark.parametrize("kind", KINDS)
def test_killed_at_any_of_the_first_times(outcomes, kind, row):
    outcomes[kind, row, False].result(timeout=800)
