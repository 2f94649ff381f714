"""Numbers of a run at ``/metrics``, while it goes. Of this machine only, unless another address is named."""

from __future__ import annotations

from collections.abc import Iterator
from typing import TYPE_CHECKING, Any

from prometheus_client import CollectorRegistry, start_http_server
from prometheus_client.core import CounterMetricFamily, GaugeMetricFamily, InfoMetricFamily

from headgate.errors import SettingsError
from headgate.telemetry.numbers import Numbers

if TYPE_CHECKING:
    from headgate.engine.events import Tell
    from headgate.report.model import Report
    from headgate.settings import Profile
    from headgate.watch import Watch


class Endpoint:
    """Serves ``registry`` on a thread of its own until the run is over. ``port`` is the one that was taken."""

    def __init__(self, host: str, port: int, numbers: Numbers) -> None:
        registry = CollectorRegistry(auto_describe=False)
        registry.register(_Collector(numbers))
        self._numbers = numbers
        self._server, self._thread = start_http_server(port, addr=host, registry=registry)
        self.port = int(self._server.server_port)

    def __call__(self, tell: Tell) -> None:
        """One event."""
        self._numbers.hear(tell)

    def end(self, report: Report | None) -> str:
        """Stop serving."""
        del report
        self._server.shutdown()
        self._server.server_close()
        self._thread.join(timeout=1.0)
        return ""


class _Collector:
    """Makes the families when they are asked for: nothing is kept twice."""

    def __init__(self, numbers: Numbers) -> None:
        self._numbers = numbers

    def collect(self) -> Iterator[Any]:
        """Every number, under the name that Prometheus wants."""
        numbers = self._numbers
        info = InfoMetricFamily("headgate_run", "The run that is going.")
        if numbers.run:
            info.add_metric([], dict(numbers.run))
        yield info
        requests = CounterMetricFamily("headgate_requests", "Requests sent, by endpoint.", labels=["endpoint"])
        for endpoint, count in numbers.requests.items():
            requests.add_metric([endpoint], count)
        yield requests
        yield CounterMetricFamily("headgate_throttled", "Answers that said: too many.", value=numbers.throttled)
        retries = CounterMetricFamily(
            "headgate_retries", "Requests to be tried again, by endpoint and answer.", labels=["endpoint", "status"]
        )
        for (endpoint, status), count in numbers.retries.copy().items():
            retries.add_metric([endpoint, status], count)
        yield retries
        jobs = CounterMetricFamily(
            "headgate_jobs", "Jobs that are over, by kind and ending.", labels=["kind", "ending"]
        )
        for (kind, ending), count in numbers.settled.copy().items():
            jobs.add_metric([kind, ending], count)
        yield jobs
        yield CounterMetricFamily("headgate_holds", "Waits for a time or for another run.", value=numbers.holds)
        yield GaugeMetricFamily("headgate_jobs_open", "Jobs that are not over.", value=numbers.open)
        yield GaugeMetricFamily("headgate_requests_in_flight", "Requests on their way.", value=numbers.flying)


def listener(profile: Profile, watch: Watch) -> Endpoint:
    """The endpoint that ``profile.prometheus`` names, serving.

    Raises:
        SettingsError: the address cannot be listened on.
    """
    host, port = address_of(profile.prometheus)
    try:
        return Endpoint(host, port, Numbers(watch))
    except OSError as error:
        raise SettingsError(
            "prometheus",
            profile.layers.get("prometheus", "default"),
            f"cannot listen on {host}:{port}: {error.strerror or error}; nothing was sent",
            hint="name another port, such as 9465; 0 takes a free one",
        ) from error


def address_of(text: str) -> tuple[str, int]:
    """``9464``, ``0.0.0.0:9464`` or ``[::1]:9464``; a port alone is this machine's."""
    host, _, port = text.rpartition(":")
    return host.strip("[]") or "127.0.0.1", int(port)
