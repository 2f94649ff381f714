"""``headgate simulate``: the embedded platform as a server."""

from __future__ import annotations

import re
from pathlib import Path
from typing import Any

import click

from headgate.cli import options
from headgate.cli.app import say

_FACTOR = re.compile(r"\d+(?:\.\d+)?")
_LATENCY = re.compile(r"(\d+(?:\.\d+)?)\s*(ms|s)?")


def _latency(_ctx: click.Context, _param: click.Parameter, value: str) -> float:
    match = _LATENCY.fullmatch(value.strip())
    if match is None:
        raise click.BadParameter(f"'{value}' is not a time; write it like 80ms or 0.2s")
    return float(match[1]) / (1000 if match[2] == "ms" else 1)


def _changes(ctx: click.Context, param: click.Parameter, values: tuple[str, ...]) -> tuple[tuple[float, float], ...]:
    found = []
    for value in values:
        at, _, factor = value.partition("=")
        if not _FACTOR.fullmatch(factor) or not float(factor):
            raise click.BadParameter(f"'{value}' is no time and factor; write it like 30s=0.5")
        found.append((_latency(ctx, param, at), float(factor)))
    return tuple(found)


def _given(_ctx: click.Context, _param: click.Parameter, values: tuple[str, ...]) -> dict[str, int]:
    found: dict[str, int] = {}
    for value in values:
        name, _, count = value.partition("=")
        if not count.isdigit():
            raise click.BadParameter(f"'{value}' is no name and count; write it like datasetFlows=250")
        found[name] = int(count)
    return found


@click.command(
    short_help="Serve the embedded platform.",
    epilog=options.examples(
        "headgate simulate --port 8080 --time-scale 600",
        "headgate simulate --given datasetFlows=250",
        "headgate simulate --rate-limit 20/s --latency 80ms --faults bad-day.yaml",
        "headgate simulate --rate-limit 3000/min --limit-model sliding --no-retry-after",
        "headgate simulate --rate-limit 50/s --limit-change 30s=0.5 --limit-status 503 --no-retry-after",
        "headgate simulate --port 8080 --world world.jsonl > platform.sh &   # then: . ./platform.sh",
    ),
)
@click.option("--host", default="127.0.0.1", show_default=True, help="Where to listen.")
@click.option("--port", type=click.IntRange(0, 65535), default=0, help="0 takes a free one.  [default: 0]")
@click.option("--seed", type=int, default=0, show_default=True, help="Decides ids, credentials, run lengths, faults.")
@click.option(
    "--time-scale",
    type=click.FloatRange(0, min_open=True),
    default=1.0,
    show_default=True,
    metavar="N",
    help="How fast the platform's clock runs: 600 makes an hour of six seconds.",
)
@click.option(
    "--rate-limit", metavar="RATE", callback=options.checked_rate, help="Answer 429 beyond it: 50/s, 3000/min."
)
@click.option(
    "--limit-model",
    type=click.Choice(["bucket", "fixed", "sliding", "gcra"]),
    default="bucket",
    show_default=True,
    help="How the limit counts: a token bucket, fixed or sliding windows of the rate's period, or gcra (no bursts).",
)
@click.option("--limit-burst", type=click.FloatRange(1), metavar="N", help="What a bucket holds.  [default: a period]")
@click.option(
    "--limit-change",
    "limit_changes",
    multiple=True,
    metavar="TIME=FACTOR",
    callback=_changes,
    help="So long after the first request allow FACTOR times the rate: 30s=0.5; repeatable.",
)
@click.option(
    "--limit-status",
    type=click.Choice(["429", "500", "503"]),
    default="429",
    show_default=True,
    help="What is answered beyond the limit.",
)
@click.option("--no-retry-after", is_flag=True, help="Do not say how long to wait.")
@click.option("--latency", default="0", metavar="TIME", callback=_latency, help="Before each answer: 80ms, 0.2s.")
@click.option(
    "--faults", metavar="FILE", type=click.Path(path_type=Path, dir_okay=False), help="Trouble on purpose (YAML)."
)
@click.option(
    "--world",
    metavar="FILE",
    type=click.Path(path_type=Path, dir_okay=False),
    help="Keep the state in FILE and go on from it.",
)
@click.option(
    "--given",
    multiple=True,
    metavar="NAME=COUNT",
    callback=_given,
    help="What a new platform holds already: flows=100, audiences=3 (of each), datasetFlows=250, sourceFlows=10.",
)
@click.option(
    "--list-lag",
    type=click.FloatRange(0),
    default=0.0,
    metavar="SECONDS",
    help="Platform seconds before what was created shows in lists.",
)
@click.option("--sandbox", "sandboxes", multiple=True, metavar="NAME", help="One more sandbox that exists; repeatable.")
@click.option(
    "--dataset",
    "datasets",
    multiple=True,
    metavar="ID[=NAME]",
    help="One more dataset that exists, for dataset exports; repeatable.",
)
@options.as_json
@options.verbose
def command(
    host: str,
    port: int,
    seed: int,
    time_scale: float,
    rate_limit: str | None,
    limit_model: str,
    limit_burst: float | None,
    limit_changes: tuple[tuple[float, float], ...],
    limit_status: str,
    no_retry_after: bool,
    latency: float,
    faults: Path | None,
    world: Path | None,
    given: dict[str, int],
    list_lag: float,
    sandboxes: tuple[str, ...],
    datasets: tuple[str, ...],
    json: bool,
) -> int:
    """Serve the embedded platform until Ctrl-C, and print what a profile needs to use it, ready to paste."""
    import asyncio

    from headgate.errors import UsageError
    from headgate.simulator import Simulator, load_faults

    try:
        rules = load_faults(faults) if faults else ()
        simulator = Simulator(
            seed=seed,
            time_scale=time_scale,
            rate_limit=rate_limit,
            retry_after=not no_retry_after,
            limit_model=limit_model,
            limit_burst=limit_burst,
            limit_changes=limit_changes,
            limit_status=int(limit_status),
            latency_s=latency,
            faults=rules,
            world=world,
            seed_counts=given,
            list_lag_seconds=list_lag,
            sandboxes=("prod", "dev", *sandboxes),
            datasets={key: name or key for key, _, name in (each.partition("=") for each in datasets)},
        )
    except ValueError as error:
        raise UsageError(
            f"{error}; nothing was started", hint="configs/faults has examples; `headgate simulate --help` the rest"
        ) from error
    try:
        asyncio.run(_serve(simulator, host, port, time_scale, json=json))
    except KeyboardInterrupt:
        say("")
    except OSError as error:
        raise UsageError(
            f"cannot listen on {host}:{port}: {error.strerror or error}; nothing was started",
            hint="--port 0 takes a free one",
        ) from error
    ledger = simulator.ledger()
    say(
        f"{sum(ledger['objects'].values()):,} objects, {ledger['requests']['total']:,} requests, "
        f"{len(ledger['duplicates'])} duplicates, {ledger['violationCount']} violations"
    )
    return 0


async def _serve(simulator: Any, host: str, port: int, time_scale: float, *, json: bool) -> None:
    import asyncio
    import signal
    from contextlib import suppress

    stop = asyncio.Event()
    for number in (signal.SIGINT, signal.SIGTERM):
        with suppress(NotImplementedError):
            asyncio.get_running_loop().add_signal_handler(number, stop.set)
    await simulator.start(host, port)
    try:
        click.echo(_words(simulator, time_scale, json=json))
        await stop.wait()
    finally:
        await simulator.stop()


def _words(simulator: Any, time_scale: float, *, json: bool) -> str:
    who = simulator.credentials
    environment = {
        "HEADGATE_PLATFORM_URL": simulator.url,
        "HEADGATE_IMS_URL": simulator.ims_url,
        "HEADGATE_ORG_ID": who["org_id"],
        "HEADGATE_CLIENT_ID": who["client_id"],
        "HEADGATE_CLIENT_SECRET": who["client_secret"],
        "HEADGATE_SCOPES": who["scopes"],
        "HEADGATE_SANDBOX": who["sandbox"],
        "HEADGATE_TIME_SCALE": f"{time_scale:g}",
    }
    if json:
        import orjson

        return orjson.dumps({"url": simulator.url, "environment": environment}).decode()
    import shlex

    lines = [f"# the embedded platform listens on {simulator.url} until Ctrl-C; to use it:"]
    return "\n".join([*lines, *(f"export {key}={shlex.quote(value)}" for key, value in environment.items())])
