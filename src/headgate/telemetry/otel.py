"""Spans and numbers of a run for OpenTelemetry: over OTLP, as the ``OTEL_*`` variables of its specification say.

A run is one span, and so is each of its jobs: from the moment when all that it waits for was over to its end, with
retries and holds as events on it. Where a program has set up a provider of its own, that one is used.
"""

from __future__ import annotations

import logging
import threading
import time
from collections.abc import Callable, Iterable, Mapping
from typing import TYPE_CHECKING, Any, Final

from opentelemetry import metrics, trace
from opentelemetry.metrics import CallbackOptions, Observation
from opentelemetry.sdk.metrics import MeterProvider
from opentelemetry.sdk.metrics.export import PeriodicExportingMetricReader
from opentelemetry.sdk.resources import Resource
from opentelemetry.sdk.trace import TracerProvider
from opentelemetry.sdk.trace.export import BatchSpanProcessor
from opentelemetry.trace import Status, StatusCode, set_span_in_context

from headgate.telemetry.numbers import Numbers
from headgate.version import __version__

if TYPE_CHECKING:
    from headgate.engine.events import Tell
    from headgate.report.model import Report
    from headgate.watch import Watch

_SCOPE: Final = "headgate"
#: Milliseconds that the last spans and numbers may take to leave.
_FLUSH_MS: Final = 5_000
#: Seconds after which nobody waits for them any more.
_WHOLE_S: Final = 8.0


class Spans:
    """Turns what a run tells into spans and numbers. ``close`` is called at the end, and says what went wrong."""

    def __init__(
        self,
        watch: Watch,
        tracer: trace.Tracer,
        meter: metrics.Meter,
        *,
        close: Callable[[], str] = lambda: "",
        now_ns: Callable[[], int] = time.time_ns,
    ) -> None:
        self._watch, self._tracer, self._now_ns, self._close = watch, tracer, now_ns, close
        self._numbers = Numbers(watch)
        self._began_ns = now_ns()
        self._run: trace.Span | None = None
        #: When each job was over, and what happened to those that are not, by index.
        self._over_ns: dict[int, int] = {}
        self._met: dict[int, list[tuple[str, int, Mapping[str, Any]]]] = {}
        numbers = self._numbers

        def observed(read: Callable[[Numbers], Iterable[Observation]]) -> Callable[..., Iterable[Observation]]:
            def callback(_: CallbackOptions) -> Iterable[Observation]:
                return list(read(numbers))

            return callback

        meter.create_observable_counter(
            "headgate.requests",
            [observed(lambda now: (Observation(n, {"endpoint": key}) for key, n in now.requests.items()))],
            description="Requests sent, by endpoint.",
        )
        meter.create_observable_counter(
            "headgate.throttled",
            [observed(lambda now: [Observation(now.throttled)])],
            description="Answers that said: too many.",
        )
        meter.create_observable_gauge(
            "headgate.jobs.open",
            [observed(lambda now: [Observation(now.open)])],
            description="Jobs that are not over.",
        )
        self._jobs = meter.create_counter("headgate.jobs", description="Jobs that are over, by kind and ending.")
        self._retries = meter.create_counter("headgate.retries", description="Requests to be tried again.")

    def __call__(self, tell: Tell) -> None:
        """One event."""
        self._numbers.hear(tell)
        machine = self._watch.machine
        fields = {key: value for key, value in tell.fields.items() if isinstance(value, (str, int, float))}
        if machine is None or tell.job < 0:
            self._begun().add_event(tell.name, fields, self._now_ns())
            return
        if tell.name != "settled":
            self._met.setdefault(tell.job, []).append((tell.name, self._now_ns(), fields))
            if tell.name == "retry":
                self._retries.add(1, {"endpoint": str(fields.get("endpoint")), "status": str(fields.get("status"))})
            return
        job, now = machine.jobs[tell.job], self._now_ns()
        ready = max((self._over_ns.get(edge, 0) for edge in (*job.needs.values(), *job.after.values())), default=0)
        ending = str(fields.get("ending"))
        span = self._tracer.start_span(
            f"{job.kind} {job.role}",
            context=set_span_in_context(self._begun()),
            start_time=min(max(ready, self._began_ns), now),
            attributes={"headgate.job": job.key, "headgate.kind": job.kind, "headgate.ending": ending},
        )
        for name, at, more in self._met.pop(tell.job, ()):
            span.add_event(name, more, at)
        if ending == "failed":
            span.set_status(Status(StatusCode.ERROR, str(fields.get("message", ""))))
        span.end(now)
        self._over_ns[tell.job] = now
        self._jobs.add(1, {"kind": job.kind, "ending": ending})

    def end(self, report: Report | None) -> str:
        """End the run's span, and let everything leave: for a few seconds at most."""
        span = self._begun()
        if report is not None:
            span.set_attributes({"headgate.status": report.status, "headgate.jobs": int(report.totals["jobs"])})
        if report is None or report.exit_code:
            span.set_status(Status(StatusCode.ERROR, report.stop if report is not None else ""))
        span.end(self._now_ns())
        return self._close()

    def _begun(self) -> trace.Span:
        if self._run is None:
            known = {f"headgate.{key}": value for key, value in self._numbers.run.items()}
            self._run = self._tracer.start_span("headgate run", start_time=self._began_ns, attributes=known)
        return self._run


class _Heard(logging.Handler):
    """What the exporters would write over the progress of a run: the first of it is said at the end."""

    def __init__(self) -> None:
        super().__init__(logging.WARNING)
        self.first = ""
        logger = logging.getLogger("opentelemetry")
        logger.addHandler(self)
        logger.propagate = False

    def emit(self, record: logging.LogRecord) -> None:
        """Keep the first."""
        self.first = self.first or record.getMessage().splitlines()[0][:200]


def listener(watch: Watch) -> Spans:
    """Spans and numbers to the providers of this program, or over OTLP where it has none."""
    if isinstance(trace.get_tracer_provider(), TracerProvider):  # somebody's own
        return Spans(watch, trace.get_tracer(_SCOPE, __version__), metrics.get_meter(_SCOPE, __version__))
    from opentelemetry.exporter.otlp.proto.http.metric_exporter import OTLPMetricExporter
    from opentelemetry.exporter.otlp.proto.http.trace_exporter import OTLPSpanExporter

    resource = Resource.create({"service.name": "headgate", "service.version": __version__})
    tracing = TracerProvider(resource=resource, shutdown_on_exit=False)
    tracing.add_span_processor(BatchSpanProcessor(OTLPSpanExporter()))
    reader = PeriodicExportingMetricReader(OTLPMetricExporter())
    metering = MeterProvider([reader], resource=resource, shutdown_on_exit=False)

    heard = _Heard()

    def leave() -> None:
        tracing.force_flush(_FLUSH_MS)
        tracing.shutdown()
        metering.shutdown(_FLUSH_MS)

    def close() -> str:
        # The exporters try again for longer than anybody waits for a command to end.
        thread = threading.Thread(target=leave, daemon=True)
        thread.start()
        thread.join(_WHOLE_S)
        return heard.first or ("the last spans and numbers did not leave in time" if thread.is_alive() else "")

    return Spans(watch, tracing.get_tracer(_SCOPE, __version__), metering.get_meter(_SCOPE, __version__), close=close)
