"""A run that grows in a store as its process would write it, without one: what is settled when is the test's to say."""

from __future__ import annotations

import asyncio
import threading
import time
from contextlib import contextmanager
from functools import partial

import pytest

from headgate.engine.record import Record
from headgate.engine.tally import Tally
from headgate.exchange import Answer, Call, Verdict
from headgate.planning.model import ItemRow, PairRow
from headgate.planning.outline import JobLine, Outline
from headgate.store import RunRow, open_store
from headgate.web.looks import Reader
from headgate.web.server import LivePage

ROLES = ("sourceConnection", "targetConnection", "flow", "selectors", "check")
REFUSED = [400, "1418-400", "the bucket 'acme' is not there", "request-1", "make the bucket"]


class Grown:
    """``items`` items of five jobs, and as many pairs in one ad-hoc job. Its journal lives on the loop that made it."""

    def __init__(self, path, items=4, name="spring-1"):
        self.path, self.items, self.id = path, items, name
        jobs, rows, pairs = [], [], []
        for n in range(items):
            first = len(jobs)
            jobs += [JobLine(f"{role}:Flow {n}", "create", role, n) for role in ROLES]
            rows.append(ItemRow("Flow ${row.n}", f"Flow {n}", "audience-export", "m.yaml:1",
                                {role: first + step for step, role in enumerate(ROLES)}))  # fmt: skip
        for n in range(items):
            pairs.append(PairRow("now", f"Flow {n}", f"audience-{n}", n * len(ROLES) + 2, len(jobs)))
        jobs.append(JobLine("adhoc:now:1", "adhoc", "adhoc", -1))
        self.outline = Outline("spring", "dev", jobs, rows, pairs)
        self.tally = Tally()
        self.tally.begin(time.time())
        self.tally.ceiling.set(0.0, 50.0)
        self.done, self.at = 0, 0.0
        self.store = open_store(path)
        self.store.begin(RunRow(name, "spring", "m.yaml", "dev", "f", "running", time.time()), self.outline.packed())
        self.journal = self.store.journal(name)

    async def settle(self, items=1, *, bad=False):
        """So many more items come to their end."""
        for n in range(self.done, self.done + items):
            for step, role in enumerate(ROLES):
                ending = "succeeded" if not bad or step < 2 else "failed" if step == 2 else "skipped"
                data = {"ending": ending} if ending == "skipped" else {"ending": ending, "t": [self.at, self.at + 0.1]}
                if ending == "succeeded":
                    data["output"] = {"id": f"{role}-{n}", "found": ""}
                elif ending == "failed":
                    data["problem"] = REFUSED
                else:
                    data["cause"] = f"flow:Flow {n}"
                self.journal.append(Record("settled", n * len(ROLES) + step, data))
                call = Call("POST", "flow", "/x", f"POST /{role}s", "create")
                self.tally.answered(call, Answer(Verdict.OK, 201, elapsed_s=0.1), self.at)
                self.at += 0.02
        self.done += items
        self.journal.count(self.tally.as_dict(self.at))
        await self.journal.flush()

    async def end(self, status="succeeded"):
        await self.journal.flush()
        self.journal.close()
        self.store.finish(self.id, status, time.time(), 1, self.tally.as_dict(self.at))
        self.store.close()

    def reader(self):
        return Reader(
            partial(open_store, self.path, readonly=True),
            "state.db",
            "--state state.db",
            partial(open_store, self.path),
        )

    def close(self):
        """Leave it as it stands, for a test that did not come to its end."""
        if not self.journal.broken.done():
            self.journal.close()
        self.store.close()


@pytest.fixture
async def grown(tmp_path):
    found = Grown(tmp_path / "state.db")
    yield found
    found.close()


class Told:
    """Control of a run that is not there: notes what it is asked."""

    def __init__(self, run_id):
        self.run_id, self.asked = run_id, []

    def now(self):
        return {"left": "12 to 15 min left", "overAt": [time.time() + 720, time.time() + 900], "rate": "41.0 of 41 req/s",
                "why": "rate lowered to 41/s after 429", "inFlight": 3, "waits": ["2 pairs held: audiences younger than an hour"],
                "paused": self.asked[-1:] == ["pause"], "stopping": "interrupted" if "drain" in self.asked else ""}  # fmt: skip

    def do(self, action):
        self.asked.append(action)
        return f"{action} it is"


class Aside:
    """A loop in a thread of its own, for tests that drive a browser."""

    def __init__(self):
        self.loop = asyncio.new_event_loop()
        self._thread = threading.Thread(target=self.loop.run_forever)
        self._thread.start()

    def run(self, work, seconds=60):
        return asyncio.run_coroutine_threadsafe(work, self.loop).result(seconds)

    def close(self):
        self.loop.call_soon_threadsafe(self.loop.stop)
        self._thread.join()
        self.loop.close()

    @contextmanager
    def serving(self, grown, **options):
        page = LivePage(grown.reader(), every_s=0.05, **options)
        self.run(page.__aenter__())
        try:
            yield page
        finally:
            self.run(page.__aexit__(None, None, None))
