"""``where``: what is absent is null and does not match."""

import pytest

from headgate.manifest.condition import matches, problem_of

FLOW = {"name": "AAM devices", "state": "enabled", "scheduleParams": {"endTime": 1756684800, "interval": 0}, "list": []}


@pytest.mark.parametrize(
    ("where", "wanted"),
    [
        (None, True),
        ("scheduleParams.endTime < `1790000000`", True),
        ("scheduleParams.endTime > `1790000000`", False),
        ("nothing.endTime < `1790000000`", False),
        ("scheduleParams.missing", False),
        ("starts_with(name, 'AAM') && state == 'enabled'", True),
        ("starts_with(description, 'AAM')", False),  # a function of what is absent
        ("list", False),
        ("scheduleParams.interval", True),  # a zero is not absent
        ("name < `5`", False),
    ],
)
def test_matches(where, wanted):
    assert matches(where, FLOW) is wanted


def test_an_expression_without_sense_is_told():
    assert problem_of("state == 'enabled'") == ""
    assert "start_with" in problem_of("state == 'x' && start_with(name, 'A')")
    for wrong in ("endTime < 1790000000", "a ==", "a[", "'open", "nofunction("):
        assert problem_of(wrong), wrong
