"""An embedded platform, a recorder in front of it, and headgate beside them: where every scenario is played."""

from __future__ import annotations

import json
from collections.abc import Awaitable, Callable, Iterator
from contextlib import asynccontextmanager, contextmanager
from dataclasses import dataclass, replace
from pathlib import Path
from typing import Any

from headgate.embedded import simulated
from headgate.launch import Wishes, execute
from headgate.manifest.kinds import GRAMMARS
from headgate.manifest.load import load
from headgate.pacing import PollPolicy, RetryPolicy
from headgate.settings import Limits, Profile
from headgate.store import Store, open_store
from headgate.teardown import Scope, teardown
from headgate.workflows.compile import compile_plan

from tests.contract.openapi.traffic import Exchange, Recorder

SCALE = 36000.0  # platform seconds in one of ours: an hour is a tenth of a second
#: Platform seconds of a slow deletion: under the quarter of an hour of pauses after which headgate gives it up, so that
#: how fast this machine answers decides nothing.
DELETE_S = 600.0
#: The clock of those scenarios: so that the first look, however late, still finds the object being deleted.
DELETE_SCALE = 1200.0


@dataclass
class World:
    """An embedded platform, a recorder in front of it, and headgate's side of things."""

    folder: Path
    profile: Profile
    simulator: Any
    recorder: Recorder

    async def run(self, manifest: dict[str, Any], *, observers: tuple[Any, ...] = (), **wishes: Any) -> Any:
        """Load, plan and run a manifest (JSON is YAML); the report."""
        path = self.folder / "manifest.yaml"
        path.write_text(json.dumps(manifest))
        return await self.perform(
            compile_plan(load(path, grammars=GRAMMARS, env={}), "dev"), observers=observers, **wishes
        )

    async def perform(self, plan: Any, *, observers: tuple[Any, ...] = (), **wishes: Any) -> Any:
        """Run a plan, whatever made it; the report. ``wishes`` are those of a run."""
        path = self.folder / "manifest.yaml"
        with self.store() as store:
            return await execute(
                plan, path=path, profile=self.profile, store=store, observers=observers, wishes=Wishes(**wishes)
            )

    async def destroy(self) -> Any:
        """Delete all that the store knows of the manifests run so far; the report."""
        with self.store() as store:
            found = teardown(store, Scope("contract", "dev"))
        return await self.perform(found.plan, fresh=True)

    @contextmanager
    def store(self) -> Iterator[Store]:
        """The state store, open."""
        found = open_store(self.folder / "state.db")
        try:
            yield found
        finally:
            found.close()

    def forget(self) -> None:
        """Lose the state store: the next run has to look at the platform's lists."""
        for path in self.folder.glob("state.db*"):
            path.unlink()


@asynccontextmanager
async def world(folder: Path, **options: Any):
    """A world of its own for one scenario; ``options`` are the simulator's."""
    folder.mkdir(parents=True)
    plain = replace(
        Profile.load(env={}, state=str(folder / "state.db")),
        limits=Limits(rate="5000/s"),
        retry=RetryPolicy(attempts=4, first_s=0.01, cap_s=0.05, budget_floor=1000),
        poll=PollPolicy(600.0, 1200.0),
    )
    options = {"time_scale": SCALE, "run_seconds": (1000.0, 2000.0), **options}
    async with simulated(plain, "dev", **options) as (profile, simulator), Recorder(simulator.url) as recorder:
        yield World(folder, replace(profile, platform_url=recorder.url), simulator, recorder)


Scenario = Callable[[Path], Awaitable[list[Exchange]]]
SCENARIOS: dict[str, Scenario] = {}


def scenario(**options: Any) -> Callable[[Callable[[World], Awaitable[None]]], None]:
    """Enter a scenario under its function's name; ``options`` are the simulator's."""

    def enter(play: Callable[[World], Awaitable[None]]) -> None:
        async def perform(folder: Path) -> list[Exchange]:
            async with world(folder, **options) as here:
                await play(here)
                for exchange in here.recorder.kept:
                    exchange.scenario = play.__name__
                return here.recorder.kept

        SCENARIOS[play.__name__] = perform

    return enter
