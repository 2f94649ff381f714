"""Thresholds: what is written, and that counting gives the very percentile."""

from __future__ import annotations

import pytest
from hypothesis import given
from hypothesis import strategies as st

from headgate.loadtest.thresholds import Gauge, parse_threshold, quantile_of, unmeasured


def gauge(text):
    return Gauge(parse_threshold(text))


@given(
    st.lists(st.sampled_from([0.1, 0.2, 0.5, 0.8, 0.9, 1.5]), min_size=1, max_size=150),
    st.sampled_from(["p50", "p90", "p95", "p99", "p99.9", "max"]),
    st.sampled_from(["<800ms", "<=800ms", "<0.2s", "<=1.5s"]),
)
def test_a_percentile_that_is_counted_is_the_one_that_is_sorted(seconds, metric, limit):
    of = gauge(metric + limit)
    for one in seconds:
        of.latency("GET /flows", one)
    value = quantile_of(sorted(seconds), of.threshold.quantile)
    assert of.met() == of.threshold.holds(value)


def test_latencies_are_of_what_they_are_of():
    every, flows, whole = gauge("p95<1s"), gauge("p95(POST  /flows)<1s"), gauge("p95(arrivals)<1s")
    for of in (every, flows, whole):
        of.latency("POST /flows", 0.5)
        of.latency("GET /flows", 0.5)
        of.latency("arrivals", 5.0)
    assert (every.total, flows.total, whole.total) == (2, 1, 1), "whole arrivals are no requests"
    assert every.met()
    assert not whole.met()
    assert not gauge("p95<1s").met(), "nothing measured is nothing met"


def test_shares_and_numbers():
    share, number = gauge("errors<10%"), gauge("errors<=1")
    for of in (share, number):
        for metric in ["", "errors", "throttled", *[""] * 8]:
            of.count("requests", metric)
        of.count("arrivals", "dropped")
    assert (share.good, share.total) == (1, 11)
    assert share.met()
    assert number.met()
    number.count("requests", "errors")
    assert not number.met()
    assert number.broken, "a number that is exceeded stays so"


def test_the_rate_that_was_achieved_is_judged_at_the_end():
    of = gauge("achieved>=600/min")
    assert of.threshold.limit == 10
    assert not of.broken
    assert (of.met(9.9), of.met(10.0)) == (False, True)


@pytest.mark.parametrize(
    ("text", "samples"), [("errors<50%", 20), ("errors<1%", 100), ("p95<1s", 20), ("p99.9<1s", 1000), ("max<1s", 1)]
)
def test_nothing_is_stopped_for_too_few_samples(text, samples):
    of = gauge(text)
    for _ in range(samples - 1):
        of.latency("x", 2.0)
        of.count("requests", "errors")
    assert not of.broken
    of.latency("x", 2.0)
    of.count("requests", "errors")
    assert of.broken


@pytest.mark.parametrize(
    ("text", "said"),
    [
        ("fast", "not a threshold"),
        ("p95<800", "below a time"),
        ("p95>800ms", "below a time"),
        ("p0<1s", "percentile"),
        ("p101<1s", "percentile"),
        ("eror<1%", "did you mean 'errors'"),
        ("errors<1ms", "a share or a number"),
        ("errors>1%", "a share or a number"),
        ("errors(GET /flows)<1%", "only latencies"),
        ("achieved<9/s", "a rate to be above"),
        ("achieved>9", "a rate to be above"),
    ],
)
def test_what_is_no_threshold(text, said):
    with pytest.raises(ValueError, match=said):
        parse_threshold(text)


def test_an_endpoint_that_is_never_asked_is_a_slip():
    some = [parse_threshold("p95(POST /flow)<1s")]
    assert "did you mean 'POST /flows'?" in unmeasured(some, ["POST /flows"])
    assert not unmeasured([parse_threshold("p95(arrivals)<1s"), parse_threshold("p95<1s")], ["POST /flows"])
