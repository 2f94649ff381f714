"""The command in this process, and the embedded platform in a thread of it: quick, and its ledger can be asked."""

from __future__ import annotations

import asyncio
import threading
from contextlib import contextmanager

from headgate.cli.app import main
from headgate.simulator import Simulator

from tests.acceptance.cli_support import Done


@contextmanager
def served(**options):
    """A simulator that listens in a thread of its own."""
    loop = asyncio.new_event_loop()
    thread = threading.Thread(target=loop.run_forever, daemon=True)
    thread.start()

    def there(coroutine):
        return asyncio.run_coroutine_threadsafe(coroutine, loop).result(20)

    simulator = Simulator(**options)
    there(simulator.start())
    try:
        yield simulator
    finally:
        there(simulator.stop())
        loop.call_soon_threadsafe(loop.stop)
        thread.join(20)
        loop.close()


def leads_to(simulator, monkeypatch, time_scale=1.0):
    """Set the environment so that the command talks to ``simulator``."""
    who = simulator.credentials
    for name, value in {
        "PLATFORM_URL": simulator.url,
        "IMS_URL": simulator.ims_url,
        "ORG_ID": who["org_id"],
        "CLIENT_ID": who["client_id"],
        "CLIENT_SECRET": who["client_secret"],
        "SCOPES": who["scopes"],
        "SANDBOX": who["sandbox"],
        "TIME_SCALE": f"{time_scale:g}",
    }.items():
        monkeypatch.setenv(f"HEADGATE_{name}", value)


def command(capfd, *args):
    """Run the command here; no traceback may ever be seen, and no bug of ours."""
    capfd.readouterr()
    code = main([str(arg) for arg in args])
    out, err = capfd.readouterr()
    assert "Traceback" not in out + err, err
    assert code != 70, err
    return Done(code, out, err)
