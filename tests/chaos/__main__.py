"""``python -m tests.chaos --minutes 10 --seed 1``: random manifests, faults and deaths, and what the ledger found.

Exit code 1 on any finding; ``--seed S --case N`` plays that case again, and keeps its folder.
"""

import argparse
import os
from contextlib import contextmanager
import shutil
import sys
import tempfile
import time
from collections import Counter
from itertools import count
from pathlib import Path

from tests.chaos.case import Case
from tests.kill.cases import Workshop

KINDS = ("doubled", "lost", "twice at once", "violations", "secrets", "failed")
DID = ("commands", "kills", "freezes", "Ctrl-C", "rival", "overtaken", "faults")


def play(workshop, seed, number, state):
    case = Case(seed, number)
    try:
        case.play(workshop, state)
    except Exception as error:  # the judge fell over what it met: that is a finding too
        case.outcome.find("failed", f"{type(error).__name__}: {error}"[:1500])
    return case.outcome


def conduct(folder, *, seed, minutes=0.0, cases=(), state="", workers=2, tell=print):
    """Play ``cases``, or one after the other for ``minutes``. Returns the outcomes."""
    until = time.monotonic() + 60 * minutes
    workshop = Workshop(folder, workers)
    outcomes, waiting = [], []
    numbers = iter(cases) if cases else count(1)
    try:
        while True:
            number = next(numbers, None) if cases or time.monotonic() < until else None
            if number is not None:
                waiting.append(workshop.submit(play, seed, number, state))
            if not waiting:
                return outcomes
            if number is None or len(waiting) > workers:
                outcome = waiting.pop(0).result()
                outcomes.append(outcome)
                if outcome.findings:
                    for kind, words in outcome.findings:
                        tell(f"case {outcome.number}: {kind}: {words}")
                elif not cases:
                    shutil.rmtree(folder / f"case-{outcome.number}", ignore_errors=True)
    finally:
        workshop.close()


@contextmanager
def store(named):
    """What ``--state`` of a command is: empty for a file beside each case, else one database for all of them."""
    if named != "postgres":
        yield "" if named == "sqlite" else named
        return
    from tests.postgres_server import Server

    server = Server()
    try:
        yield server.url(server.database())
    finally:
        server.stop()


def table(outcomes, *, seed, state, seconds):
    """The figures in a few lines."""
    did = sum((outcome.counts for outcome in outcomes), Counter())
    found = Counter(kind for outcome in outcomes for kind, _ in outcome.findings)
    rows = [("cases", len(outcomes)), *((name, did[name]) for name in DID), *((kind, found[kind]) for kind in KINDS)]
    lines = [f"seed {seed}, state {state}, {seconds:.0f} s"]
    lines += [f"  {name:<14}{number:>8,}" for name, number in rows]
    return "\n".join(lines)


def main():
    asked = argparse.ArgumentParser(prog="python -m tests.chaos", description=__doc__)
    asked.add_argument("--minutes", type=float, default=1.0)
    asked.add_argument("--seed", type=int, default=int.from_bytes(os.urandom(3)))
    asked.add_argument("--state", default="sqlite", help="sqlite, postgres (a server is started), or postgresql://…")
    asked.add_argument("--case", type=int, action="append", help="play only this case; repeatable")
    asked.add_argument("--workers", type=int, default=2)
    given = asked.parse_args()
    print(f"seed {given.seed}", flush=True)
    folder = Path(tempfile.mkdtemp(prefix="headgate-chaos-"))
    began = time.monotonic()
    with store(given.state) as state:
        outcomes = conduct(folder, seed=given.seed, minutes=given.minutes, cases=given.case or (), state=state,
                           workers=given.workers)  # fmt: skip
    print(table(outcomes, seed=given.seed, state=given.state, seconds=time.monotonic() - began))
    bad = [outcome.number for outcome in outcomes if outcome.findings]
    if not bad:
        if not given.case:
            shutil.rmtree(folder)
        return 0
    again = " ".join(f"--case {number}" for number in bad[:5])
    print(f"again: python -m tests.chaos --seed {given.seed} {again} --state {given.state}")
    print(f"kept: {folder}")
    return 1


if __name__ == "__main__":
    sys.exit(main())
