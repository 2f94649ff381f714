"""The schedule table, file name macros, and what the server fills in."""

import pytest

from headgate.simulator.reply import Refusal
from headgate.simulator.selectors import check_schedule, in_schedule, settle_transformations
from headgate.simulator.specs import Specs

SPECS = Specs(0)
BY_KEY = {each.key: each for each in SPECS.destinations.values()}
S3, CAMPAIGN = BY_KEY["amazon_s3"], BY_KEY["adobe_campaign"]
FULL, INCREMENTAL = "DAILY_FULL_EXPORT", "FIRST_FULL_THEN_INCREMENTAL"
START = {"startDate": "2026-12-20"}
SPAN = {**START, "endDate": "2026-12-31"}
AT = {"startTime": "17:00"}


@pytest.mark.parametrize(
    ("mode", "schedule"),
    [
        (FULL, {"frequency": "ONCE", "triggerType": "SCHEDULED", **START, **AT}),
        (FULL, {"frequency": "ONCE", **START, **AT}),
        (FULL, {"frequency": "ONCE", "triggerType": "AFTER_SEGMENT_EVAL", **START}),
        (FULL, {"frequency": "DAILY", "triggerType": "SCHEDULED", **SPAN, **AT}),
        (FULL, {"frequency": "DAILY", "triggerType": "AFTER_SEGMENT_EVAL", **SPAN}),
        (FULL, {"frequency": "DAILY", "triggerType": "AFTER_SEGMENT_EVAL", **SPAN, **AT}),
        (FULL, {"frequency": "WEEKLY", "triggerType": "SCHEDULED", **SPAN, **AT}),
        (FULL, {"frequency": "MONTHLY", "triggerType": "SCHEDULED", **SPAN, **AT}),
        (INCREMENTAL, {"frequency": "DAILY", **SPAN, **AT}),
        (INCREMENTAL, {"frequency": "EVERY_8_HOURS", "triggerType": "SCHEDULED", **SPAN, **AT}),
    ],
)
def test_the_table_is_taken(mode, schedule):
    check_schedule(mode, schedule, S3)


@pytest.mark.parametrize(
    ("mode", "schedule"),
    [
        (FULL, {"frequency": "CHAINED", **START, **AT}),
        (FULL, {"frequency": "EVERY_3_HOURS", **SPAN, **AT}),
        (INCREMENTAL, {"frequency": "ONCE", **START, **AT}),
        (INCREMENTAL, {"frequency": "EVERY_9_HOURS", **SPAN, **AT}),
        (INCREMENTAL, {"frequency": "DAILY", "triggerType": "AFTER_SEGMENT_EVAL", **SPAN, **AT}),
        ("FULL", {"frequency": "ONCE", **START, **AT}),
        (None, {"frequency": "ONCE", **START, **AT}),
        (FULL, None),
        (FULL, {"frequency": "ONCE", **SPAN, **AT}),
        (FULL, {"frequency": "ONCE", **START}),
        (FULL, {"frequency": "ONCE", **AT}),
        (FULL, {"frequency": "DAILY", **START, **AT}),
        (FULL, {"frequency": "DAILY", "startDate": "2026-12-31", "endDate": "2026-12-20", **AT}),
        (FULL, {"frequency": "ONCE", "startDate": "2026-02-30", **AT}),
        (FULL, {"frequency": "ONCE", "startDate": "20261220", **AT}),
        (FULL, {"frequency": "ONCE", **START, "startTime": "17:30"}),
        (FULL, {"frequency": "ONCE", **START, "startTime": "24:00"}),
        (FULL, {"frequency": "ONCE", "triggerType": "AFTER_SEGMENT_EVAL", **START, **AT}),
        (FULL, {"frequency": "WEEKLY", "triggerType": "AFTER_SEGMENT_EVAL", **SPAN}),
        (FULL, {"frequency": "ONCE", "triggerType": "NOW", **START, **AT}),
    ],
)
def test_what_is_not_in_the_table_is_1455(mode, schedule):
    with pytest.raises(Refusal) as caught:
        check_schedule(mode, schedule, S3)
    assert (caught.value.code, caught.value.violation) == ("1455-400", "schedule")


@pytest.mark.parametrize("frequency", ["WEEKLY", "MONTHLY"])
def test_email_marketing_has_no_weeks_and_months(frequency):
    with pytest.raises(Refusal):
        check_schedule(FULL, {"frequency": frequency, **SPAN, **AT}, CAMPAIGN)


def audience(template="%DESTINATION_NAME%_%SEGMENT_ID%", name="a", **more):
    schedule = {"frequency": "ONCE", "triggerType": "SCHEDULED", **START, **AT}
    value = {"id": name, "filenameTemplate": template, "exportMode": FULL, "schedule": schedule, **more}
    return {"type": "PLATFORM_SEGMENT", "value": value}


def settled(*selectors, before=(), destination=S3, now=1000.5, profile=()):
    params = {
        "segmentSelectors": {"selectors": list(selectors)},
        "profileSelectors": {"selectors": list(profile)},
    }
    steps = [{"name": "GeneralTransform", "params": params}]
    settle_transformations(steps, list(before), destination, now)
    return params


@pytest.mark.parametrize(
    "template",
    [
        "%DESTINATION_NAME%_%SEGMENT_ID%",
        "%SANDBOX_NAME%",
        "plain",
        None,
        "%DESTINATION_NAME%_%SEGMENT_ID%_%DATETIME(YYYYMMdd_HHmmss)%",
    ],
)
def test_current_destinations_take_any_macro_or_none(template):
    settled(audience(template))


@pytest.mark.parametrize(
    "template",
    [
        "%DESTINATION_NAME%",
        "%SEGMENT_ID%",
        None,
        "",
        "%DESTINATION_NAME%%SEGMENT_ID%%SANDBOX_NAME%",
        "%DESTINATION_NAME%_%SEGMENT_ID%_%TIMESTAMP%_%DATETIME(YYYY)%",
        "%DESTINATION_NAME%_%SEGMENT_ID%" + "x" * 230,
    ],
)
def test_legacy_destinations_need_two_and_take_few(template):
    with pytest.raises(Refusal):
        settled(audience(template), destination=CAMPAIGN)


def test_new_selectors_are_stamped_with_seconds_as_text():
    value = settled(audience())["segmentSelectors"]["selectors"][0]["value"]
    assert (value["createTime"], value["updateTime"]) == ("1000", "1000")


def test_a_replaced_selector_keeps_its_age():
    old = settled(audience())["segmentSelectors"]["selectors"][0]["value"]
    new = settled(audience("changed", createTime="1"), before=[old], now=5000)
    value = new["segmentSelectors"]["selectors"][0]["value"]
    assert (value["createTime"], value["updateTime"]) == ("1000", "5000")


def test_an_audience_twice_is_a_violation():
    with pytest.raises(Refusal) as caught:
        settled(audience(), audience())
    assert caught.value.violation == "duplicate-audience"


def test_attributes_are_expanded():
    params = settled(profile=[{"type": "JSON_PATH", "value": {"path": "person.lastName"}}])
    value = params["profileSelectors"]["selectors"][0]["value"]
    assert value["operator"] == "EXISTS"
    assert value["mapping"]["source"] == value["mapping"]["destinationXdmPath"] == "person.lastName"


@pytest.mark.parametrize("name", ["General Transform", "Mapping"])
def test_the_transformation_has_one_name(name):
    with pytest.raises(Refusal):
        settle_transformations([{"name": name, "params": {}}], [], S3, 0)


@pytest.mark.parametrize(("today", "inside"), [("2026-12-19", False), ("2026-12-20", True), ("2027-12-20", True)])
def test_once_has_no_end(today, inside):
    assert in_schedule({"schedule": START}, today) is inside


@pytest.mark.parametrize(("today", "inside"), [("2026-12-31", True), ("2027-01-01", False)])
def test_a_span_has_one(today, inside):
    assert in_schedule({"schedule": SPAN}, today) is inside
