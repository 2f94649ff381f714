"""A platform of its own for each case, all served by one thread; a folder, a state, and the command run in it."""

import asyncio
import os
import subprocess
import threading
from dataclasses import dataclass
from pathlib import Path

from headgate.faultpoint import VARIABLE
from headgate.simulator import Simulator

from tests.forked import Forked

#: Platform seconds in one of ours: an hour is a tenth of a second.
SCALE = 36_000.0
SECRETS = {"S3_SECRET": "Very/Secret+Key/that/nobody/may/see/0000", "MAIL_PASSWORD": "hush+hush/hush=hush&hush"}
#: Seconds after which a command hangs, and what is then said of its end.
LIMIT_S = 90.0
HUNG = -1000
PROFILE = """\
limits: {rate: 5000/s, concurrency: 10}
poll: {first_s: 300, cap_s: 600}
retry: {attempts: 8, first_s: 0.01, cap_s: 0.05, budget_floor: 5000}
timeout_s: 5
"""


@dataclass
class Ended:
    """How a process ended: its exit code, or minus the signal; and what it said."""

    code: int
    out: str
    err: str

    @property
    def talk(self):
        return self.out + self.err


class Platforms:
    """Embedded platforms in one thread of this process: killing the command spares them."""

    def __init__(self):
        self._loop = asyncio.new_event_loop()
        self._thread = threading.Thread(target=self._loop.run_forever, name="platforms", daemon=True)
        self._thread.start()

    def do(self, work):
        """Do ``work()`` where the platforms live; a coroutine is awaited."""

        async def there():
            found = work()
            return await found if asyncio.iscoroutine(found) else found

        return asyncio.run_coroutine_threadsafe(there(), self._loop).result(timeout=30)

    def close(self):
        self._loop.call_soon_threadsafe(self._loop.stop)
        self._thread.join(timeout=10)
        self._loop.close()


class Stage:
    """One platform, one folder, one state."""

    def __init__(self, platforms, folder: Path, *, state="", profile=PROFILE, secrets=SECRETS, **options):
        self._platforms, self.folder, self._going = platforms, folder, {}
        folder.mkdir(parents=True, exist_ok=True)
        (folder / "headgate.yaml").write_text(profile)
        options = {"time_scale": SCALE, "delete_status": "alternate", "delete_seconds": 60.0, **options}
        self.simulator = self.do(lambda: Simulator(**options))
        self.do(self.simulator.start)
        who = self.simulator.credentials
        kept = {key: value for key, value in os.environ.items() if not key.startswith(("HEADGATE_", "AEP_"))}
        self.env = {
            **kept, **secrets, "NO_COLOR": "1", "COLUMNS": "100",
            "HEADGATE_PLATFORM_URL": self.simulator.url, "HEADGATE_IMS_URL": self.simulator.ims_url,
            "HEADGATE_ORG_ID": who["org_id"], "HEADGATE_CLIENT_ID": who["client_id"],
            "HEADGATE_CLIENT_SECRET": who["client_secret"], "HEADGATE_SCOPES": who["scopes"],
            "HEADGATE_SANDBOX": who["sandbox"], "HEADGATE_TIME_SCALE": f"{options['time_scale']:g}",
        }  # fmt: skip
        if state:
            self.env["HEADGATE_STATE"] = state

    def do(self, work):
        return self._platforms.do(work)

    def ledger(self):
        return self.do(self.simulator.ledger)

    def objects(self, kind):
        return self.do(lambda: [dict(one) for one in self.simulator.objects(kind)])

    def runs(self, flow):
        """The runs of a flow, oldest first."""
        return self.do(lambda: list(self.simulator._server.world.runs.of_flow(flow)))

    def start(self, *args, crash_at="", rival=0):
        """Begin a command; its pid. Rival 1 runs beside rival 0."""
        self._going[rival] = process = Forked(args, cwd=self.folder, env=self._env(crash_at))
        return process.pid

    def wait(self, rival=0):
        """Wait for a command's end, and end it where it does not by itself: :data:`HUNG`."""
        process, hung = self._going[rival], False
        try:
            out, err = process.communicate(LIMIT_S)
        except subprocess.TimeoutExpired:
            hung = True
            process.kill()
            out, err = process.communicate(LIMIT_S)
        return Ended(HUNG if hung else process.returncode, out, err)

    def run(self, *args, crash_at=""):
        self.start(*args, crash_at=crash_at)
        return self.wait()

    def _env(self, crash_at):
        return {**self.env, VARIABLE: crash_at} if crash_at else self.env

    def close(self):
        self.do(self.simulator.stop)
