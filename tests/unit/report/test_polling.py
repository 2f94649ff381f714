"""What a report says of polls, and of its forecast."""

from __future__ import annotations

from headgate.engine.tally import Tally
from headgate.report.compare import compare, text
from headgate.report.model import Report
from headgate.report.polling import polling
from headgate.report.render_text import render
from headgate.report.story import Story


def test_nothing_is_said_where_no_run_was_waited_for():
    assert polling({"polls": 4, "sent": 9}) == {}


def test_polls_per_run_and_lags_of_all_lives_together():
    first = Tally()
    for lag in (1.04, 0.0, None):
        first.noticed(lag)
    second = Tally(first.as_dict())
    for lag in (1.1, 31.2):
        second.noticed(lag)
    found = polling({**second.as_dict(), "polls": 2, "sent": 40})["polling"]
    assert found == {
        "runs": 5,
        "pollsPerRun": 0.4,
        "shareOfRequests": 0.05,
        "lagSeconds": {"p50": 1.1, "p99": 32.0, "max": 32.0},
    }


def report(**more):
    asked = {
        "sent": 40,
        "polls": 2,
        "byEndpoint": {},
        **polling({"runs": 5, "polls": 2, "sent": 40, "lags": {"2.5": 5}}),
    }
    return Report("r", "m", "dev", "succeeded", 0.0, 90.0, 90.0, {"jobs": 1}, asked, [], [], [], **more)


def test_the_report_says_how_far_off_the_forecast_was():
    assert report(forecast_s=60.0).as_json()["forecast"] == {"seconds": 60.0, "tookSeconds": 90.0, "ratio": 1.5}
    assert "(forecast 1 min 00 s: 50 % over)" in render(report(forecast_s=60.0))
    assert "(forecast 2 min 00 s: 25 % under)" in render(report(forecast_s=120.0))
    assert "(forecast 1 min 30 s)" in render(report(forecast_s=90.0))
    assert "\n  5 runs waited for: 0.4 polls each, 99 % of ends seen within 2.5 s\n" in render(report())
    assert "forecast" not in report().as_json()
    assert "forecast" not in report(forecast_s=60.0, open_jobs=2).as_json()


def test_two_runs_side_by_side_say_what_waiting_cost_in_each():
    told = Story(report(), (), {})
    other = Story(Report("s", "m", "dev", "succeeded", 0.0, 90.0, 90.0, {}, {"sent": 3}, [], [], []), (), {})
    found = compare(told, other)
    assert found["polling"] == {"pollsPerRun": [0.4, None], "lagSeconds": [2.5, None]}
    assert "polls a run" in text(found)
    assert "2.5 s" in text(found)
    assert "polls a run" not in text(compare(other, other))
