"""Every fault point with every kind of entry: killed there by SIGKILL, resumed, and judged by the platform's ledger.

Each life is a real process. ``python -m pytest tests/kill -m chaos`` kills at every early occurrence of every point.
"""

import re

import pytest

from tests.kill.cases import Workshop, play
from tests.kill.kinds import KINDS
from tests.kill.rows import more_rows, rows

ROWS = {row.name: row for row in rows()}
MORE = {row.name: row for row in more_rows(9)}


def name_of(kind, row):
    return re.sub(r"\W+", "-", f"{kind}-{row}")


@pytest.fixture(scope="module")
def outcomes(request, tmp_path_factory):
    """Futures of all chosen cases by kind and row: they are played by a few workers while the first are judged."""
    workshop = Workshop(tmp_path_factory.mktemp("matrix"))
    cases = [item.callspec.params for item in request.session.items if getattr(item, "module", None) is request.module]
    wanted = {(case["kind"], case["row"]) for case in cases}
    known = {**ROWS, **MORE}
    try:
        yield {(kind, row): workshop.submit(play, name_of(kind, row), kind, known[row]) for kind, row in sorted(wanted)}
    finally:
        workshop.close()


@pytest.mark.parametrize("kind", KINDS)
@pytest.mark.parametrize("row", ROWS)
def test_killed_there_it_goes_on_and_does_nothing_twice(outcomes, kind, row):
    outcomes[kind, row].result(timeout=110)


@pytest.mark.chaos
@pytest.mark.timeout(900)
@pytest.mark.parametrize("kind", KINDS)
@pytest.mark.parametrize("row", MORE)
def test_killed_at_any_of_the_first_times(outcomes, kind, row):
    outcomes[kind, row].result(timeout=800)
