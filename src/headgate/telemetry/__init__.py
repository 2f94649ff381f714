"""A run told to others while it goes and when it is over: OpenTelemetry, Prometheus, a webhook.

Owns what is said to whom. Refuses to be noticed: everything here listens to the events that a run tells anyhow, nothing
is imported or made unless it is asked for (:func:`listeners` of a profile that asks for nothing is an empty list), and
no trouble of a listener is the run's: it is said once, on stderr, and the run goes on.

The two that need a library are extras (``pip install 'headgate[otel]'``, ``'headgate[prometheus]'``).
"""

from __future__ import annotations

from typing import TYPE_CHECKING, Protocol

from headgate.errors import SettingsError

if TYPE_CHECKING:
    from headgate.engine.events import Tell
    from headgate.report.model import Report
    from headgate.settings import Profile
    from headgate.watch import Watch


class Listener(Protocol):
    """Hears what a run tells."""

    def __call__(self, tell: Tell) -> None:
        """One event. Must be quick."""

    def end(self, report: Report | None) -> str:
        """The run is over; ``None`` where it ended without a report. Lets go of everything; returns what went wrong."""


def listeners(profile: Profile, watch: Watch) -> list[Listener]:
    """Those that ``profile`` asks for, listening.

    Raises:
        SettingsError: an extra is not installed, or an address cannot be listened on.
    """
    found: list[Listener] = []
    if profile.otel:
        try:
            from headgate.telemetry import otel
        except ImportError as error:
            raise _missing("otel", profile) from error
        found.append(otel.listener(watch))
    if profile.prometheus:
        try:
            from headgate.telemetry import prometheus
        except ImportError as error:
            raise _missing("prometheus", profile) from error
        found.append(prometheus.listener(profile, watch))
    return found


def _missing(extra: str, profile: Profile) -> SettingsError:
    layer = profile.layers.get(extra, "default")
    return SettingsError(
        extra,
        layer,
        "needs packages that are not installed; nothing was sent",
        hint=f"pip install 'headgate[{extra}]'",
    )
