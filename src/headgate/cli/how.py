"""How a run goes and where it is told, as the flags of one command say."""

from __future__ import annotations

from typing import TYPE_CHECKING, Any

import click

from headgate.classes import frozen
from headgate.cli.app import Talk

if TYPE_CHECKING:
    from datetime import datetime
    from pathlib import Path

    from headgate.cli.drive import Drive
    from headgate.cli.web import Place
    from headgate.launch import Seen, Wishes
    from headgate.planning.model import Plan
    from headgate.settings import Profile


@frozen
class How:
    """The flags that every command which drives a run has, or most of them; ``None`` where they say nothing."""

    rate: str | None = None
    concurrency: int | None = None
    on_error: str | None = None
    tolerate: str | None = None
    finish_by: datetime | None = None
    report: Path | None = None
    events: Path | None = None
    json: bool = False
    no_progress: bool = False
    #: The name of a protected sandbox.
    yes: str | None = None
    #: Where the live page is served, if it is.
    web: Place | None = None

    def wishes(self, **more: Any) -> Wishes:
        """What a run is asked for beyond its manifest and profile; ``more`` are wishes that no flag here says."""
        from headgate.launch import Wishes

        until_s = self.finish_by.timestamp() if self.finish_by else None
        return Wishes(self.rate, self.concurrency, self.on_error, self.tolerate, until_s, **more)

    def asked(
        self, plan: Plan, profile: Profile, wishes: Wishes, *, simulate: bool = False, seen: Seen | None = None
    ) -> Drive:
        """All that driving ``plan`` needs."""
        from headgate.cli.drive import Drive

        talk = click.get_current_context().find_object(Talk)
        return Drive(
            plan,
            profile,
            wishes,
            simulate,
            self.report,
            self.events,
            self.json,
            progress=not self.no_progress,
            verbose=talk is not None and talk.verbose,
            seen=seen,
            web=self.web,
        )

    def drive(
        self, plan: Plan, profile: Profile, wishes: Wishes, *, simulate: bool = False, seen: Seen | None = None
    ) -> int:
        """Run ``plan`` to its end, tell it where it is to be told, and give the exit code."""
        from headgate.cli.drive import drive

        return drive(self.asked(plan, profile, wishes, simulate=simulate, seen=seen))
