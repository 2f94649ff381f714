"""The embedded platform in this process: where its world lives, and a profile that is pointed at it."""

from __future__ import annotations

from contextlib import asynccontextmanager
from dataclasses import replace
from pathlib import Path
from typing import TYPE_CHECKING, Any

if TYPE_CHECKING:
    from collections.abc import AsyncIterator

    from headgate.settings import Profile
    from headgate.simulator import Simulator

#: How fast time passes on the embedded platform of ``--simulate``: an hour in six seconds.
SIMULATED_TIME_SCALE = 600.0


def world_of(state: str) -> Path:
    """Where the embedded platform of ``--simulate`` keeps its world: beside the state it belongs to.

    One that belongs to a shared state (a URL) is this folder's.
    """
    if "://" in state:
        return Path(".headgate/platform.jsonl")
    path = Path(state)
    return path.with_name("platform.jsonl" if path.name == "state.db" else f"{path.stem}.platform.jsonl")


@asynccontextmanager
async def simulated(profile: Profile, sandbox: str, **options: Any) -> AsyncIterator[tuple[Profile, Simulator]]:
    """The embedded platform in this process, and ``profile`` pointed at it. Its world outlives the process."""
    from headgate.secret import Secret
    from headgate.simulator import Simulator

    scale = float(options.pop("time_scale", SIMULATED_TIME_SCALE))
    world = world_of(profile.state)
    simulator = Simulator(time_scale=scale, world=world, sandboxes=("prod", "dev", sandbox), **options)
    async with simulator:
        who = simulator.credentials
        yield (
            replace(
                profile,
                platform_url=simulator.url,
                ims_url=simulator.ims_url,
                org_id=who["org_id"],
                client_id=who["client_id"],
                client_secret=Secret(who["client_secret"]),
                access_token=None,
                scopes=tuple(str(who["scopes"]).split(",")),
                sandbox=sandbox,
                time_scale=scale,
            ),
            simulator,
        )
