"""OpenTelemetry and Prometheus hear what a run tells, and a profile that asks for nothing imports nothing."""

from __future__ import annotations

import subprocess
import sys
import urllib.request

import pytest

from headgate.engine.events import Tell
from headgate.errors import SettingsError
from headgate.settings import Profile
from headgate.telemetry import listeners
from tests.unit.telemetry.support import report, watch

RETRY = {"verdict": "throttled", "status": 429, "endpoint": "POST /flows", "delay": 0.5, "message": ""}
TOLD = [
    Tell("settled", 0, {"ending": "succeeded", "message": ""}),
    Tell("retry", 1, RETRY),
    Tell("settled", 1, {"ending": "failed", "message": "no such spec"}),
    Tell("hold", 2, {"reason": "too young", "until": None}),
    Tell("stop", -1, {"reason": "tolerate", "detail": "too many"}),
]


def test_off_imports_nothing():
    code = (
        "import sys, headgate, headgate.telemetry, headgate.settings as s; from headgate.cli import drive; "
        "assert headgate.telemetry.listeners(s.Profile(), None) == []; "
        "found = {'opentelemetry', 'prometheus_client'} & set(sys.modules); assert not found, found; "
        "assert 'headgate.telemetry.webhook' not in sys.modules"
    )
    done = subprocess.run([sys.executable, "-c", code], capture_output=True, text=True, check=False)
    assert done.returncode == 0, done.stderr


@pytest.mark.parametrize(
    ("profile", "package", "extra"),
    [(Profile(otel=True), "opentelemetry", "otel"), (Profile(prometheus="0"), "prometheus_client", "prometheus")],
)
def test_an_extra_that_is_not_there_is_named(profile, package, extra, monkeypatch):
    monkeypatch.setitem(sys.modules, package, None)
    monkeypatch.delitem(sys.modules, f"headgate.telemetry.{extra}", raising=False)
    monkeypatch.delattr(f"headgate.telemetry.{extra}", raising=False)
    with pytest.raises(SettingsError) as caught:
        listeners(profile, watch())
    assert caught.value.hint == f"pip install 'headgate[{extra}]'"


def read(port):
    with urllib.request.urlopen(f"http://127.0.0.1:{port}/metrics", timeout=10) as answer:
        return answer.read().decode()


def test_prometheus_serves_numbers_of_the_run_on_this_machine():
    pytest.importorskip("prometheus_client")
    (endpoint,) = listeners(Profile(prometheus="0"), watch())
    try:
        for tell in TOLD:
            endpoint(tell)
        text = read(endpoint.port)
    finally:
        endpoint.end(report())
    for line in (
        'headgate_run_info{manifest="m",run="m-1",sandbox="dev"} 1.0',
        'headgate_requests_total{endpoint="POST /flows"} 3.0',
        "headgate_throttled_total 4.0",
        'headgate_retries_total{endpoint="POST /flows",status="429"} 1.0',
        'headgate_jobs_total{ending="failed",kind="create"} 1.0',
        "headgate_holds_total 1.0",
        "headgate_jobs_open 2.0",
        "headgate_requests_in_flight 1.0",
    ):
        assert f"\n{line}\n" in text, line
    with pytest.raises(OSError):
        read(endpoint.port)


@pytest.mark.parametrize(
    ("text", "address"),
    [("9464", ("127.0.0.1", 9464)), ("0.0.0.0:1", ("0.0.0.0", 1)), ("[::1]:2", ("::1", 2))],
)
def test_a_port_alone_is_this_machines(text, address):
    pytest.importorskip("prometheus_client")
    from headgate.telemetry.prometheus import address_of

    assert address_of(text) == address
    assert Profile.load(env={"HEADGATE_PROMETHEUS": text}).prometheus == text


@pytest.mark.parametrize("text", ["http", "9464:", ":9464", "99999", "host:port"])
def test_what_is_no_address_is_refused(text):
    with pytest.raises(SettingsError, match="port"):
        Profile.load(env={"HEADGATE_PROMETHEUS": text})


def test_a_port_that_is_taken_is_said():
    pytest.importorskip("prometheus_client")
    (first,) = listeners(Profile(prometheus="0"), watch())
    try:
        with pytest.raises(SettingsError, match="cannot listen"):
            listeners(Profile(prometheus=str(first.port)), watch())
    finally:
        first.end(None)


def spans_of(tells, ended):
    pytest.importorskip("opentelemetry.sdk")
    from opentelemetry.sdk.metrics import MeterProvider
    from opentelemetry.sdk.metrics.export import InMemoryMetricReader
    from opentelemetry.sdk.trace import TracerProvider
    from opentelemetry.sdk.trace.export import SimpleSpanProcessor
    from opentelemetry.sdk.trace.export.in_memory_span_exporter import InMemorySpanExporter

    from headgate.telemetry.otel import Spans

    kept, reader = InMemorySpanExporter(), InMemoryMetricReader()
    tracing = TracerProvider(shutdown_on_exit=False)
    tracing.add_span_processor(SimpleSpanProcessor(kept))
    metering = MeterProvider([reader], shutdown_on_exit=False)
    ticks = iter(range(1_000, 100_000, 1_000))
    closed = []
    spans = Spans(
        watch(), tracing.get_tracer("t"), metering.get_meter("t"),
        close=lambda: closed.append(1) or "gone", now_ns=lambda: next(ticks),
    )  # fmt: skip
    for tell in tells:
        spans(tell)
    assert spans.end(ended) == "gone"
    assert closed == [1]
    data = reader.get_metrics_data()
    numbers = {
        (metric.name, *sorted(point.attributes.values())): point.value
        for resource in data.resource_metrics for scope in resource.scope_metrics
        for metric in scope.metrics for point in metric.data.data_points
    }  # fmt: skip
    metering.shutdown()
    return {span.name: span for span in kept.get_finished_spans()}, numbers


def test_a_run_is_a_span_and_its_jobs_are_spans_in_it():
    spans, numbers = spans_of(TOLD, report())
    base, flow, run = spans["create baseConnection"], spans["create flow"], spans["headgate run"]
    assert base.parent.span_id == flow.parent.span_id == run.context.span_id
    assert dict(flow.attributes) == {"headgate.job": "flow:a", "headgate.kind": "create", "headgate.ending": "failed"}
    assert flow.start_time == base.end_time, "from when what it needs was there"
    assert base.start_time == run.start_time < base.end_time < flow.end_time < run.end_time
    assert [(event.name, event.attributes["status"]) for event in flow.events] == [("retry", 429)]
    assert (flow.status.status_code.name, flow.status.description) == ("ERROR", "no such spec")
    assert base.status.status_code.name == "UNSET"
    assert run.status.status_code.name == "ERROR"
    assert [event.name for event in run.events] == ["stop"]
    assert run.attributes["headgate.run"] == "m-1"
    assert numbers["headgate.requests", "POST /flows"] == 3
    assert numbers["headgate.jobs", "create", "failed"] == 1
    assert numbers["headgate.retries", "429", "POST /flows"] == 1
    assert numbers["headgate.jobs.open",] == 2


def test_a_run_that_never_began_ends_its_span():
    spans, _ = spans_of([], None)
    assert list(spans) == ["headgate run"]
