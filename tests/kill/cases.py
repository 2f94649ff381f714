"""One case: a kind of entry whose command dies as often as its row says, and is resumed. The platform judges."""

import json
import signal
from concurrent.futures import ThreadPoolExecutor
from contextlib import contextmanager

from tests.kill.kinds import KINDS, judge_always
from tests.kill.stage import Platforms, Stage

KILLED = -signal.SIGKILL
FLAGS = ("--no-progress", "--report", "report.json")


class Workshop:
    """A few workers; all use one thread of platforms."""

    def __init__(self, folder, workers=3):
        self._folder = folder
        self.platforms = Platforms()
        self._pool = ThreadPoolExecutor(workers, "case")
        self._number = 0

    def submit(self, work, *args):
        """A future of ``work(workshop, *args)``."""
        return self._pool.submit(work, self, *args)

    @contextmanager
    def stage(self, name, **options):
        stage = Stage(self.platforms, self._folder / name, **options)
        try:
            yield stage
        finally:
            stage.close()

    def close(self):
        self._pool.shutdown(cancel_futures=True)
        self.platforms.close()


def rows_of(stage):
    """The statuses of the last report: of its items, and of its activations."""
    report = json.loads((stage.folder / "report.json").read_text())
    return {row["status"] for row in report["items"]} | {row["outcome"] for row in report["activations"]}


def well(done, what):
    assert done.code == 0, f"{what}: exit {done.code}\n{done.talk}"
    assert "Traceback" not in done.talk, done.talk
    assert "internal error" not in done.talk, done.talk


def play(workshop, name, kind_name, row, state="", seed=0):
    """Die as ``row`` says, go on, and be judged. Raises AssertionError with what is wrong.

    ``state``: where it is kept, if not in a file of its own; then ``seed`` makes an organisation of its own.
    """
    kind = KINDS[kind_name]
    with workshop.stage(name, seed_counts=kind.given, state=state, seed=seed) as stage:
        kind.prepare(stage)
        if kind.first is not None:
            well(stage.run("run", kind.write(stage, kind.first)), "the run before")
        path = kind.write(stage)
        command = (kind.command, path, *FLAGS, *(["--yes"] if kind.command == "destroy" else []))
        following = command
        for point in row.lives:
            done = stage.run(*following, crash_at=point)
            if kind_name in row.never or (row.perhaps and done.code != KILLED):
                well(done, f"{point} was not reached, and so it")
                break
            assert done.code == KILLED, f"it was to die at {point}, and ended with {done.code}\n{done.talk}"
            following = ("resume", *FLAGS)
        else:
            _go_on(stage, command, died_at=row.lives[-1])
        assert rows_of(stage) == kind.statuses, "what the last life reports"
        ledger = stage.ledger()
        judge_always(ledger)
        kind.judge(stage, ledger)
        if kind_name not in row.never and not state:
            well(stage.run(*command), "the second run")
            _judge_second(stage, kind, ledger, stage.ledger())


def _go_on(stage, command, died_at):
    """Resume, as a person would; where nothing is unfinished, the command is given again, or the report asked for."""
    done = stage.run("resume", *FLAGS)
    well(done, "the resume")
    if died_at == "beginning":  # there was no run yet
        assert "nothing is unfinished" in done.err
        well(stage.run(*command), "the run from the start")
    elif died_at == "finished":
        assert "nothing is unfinished" in done.err
        well(stage.run("report", _last(stage), "--format", "json", "--out", "report.json"), "the report")


def _last(stage):
    return json.loads(stage.run("runs", "--json").out)[0]["runId"]


def _judge_second(stage, kind, before, after):
    """A second run makes nothing, and reports so."""
    judge_always(after)
    assert rows_of(stage) == kind.then
    for key in ("created", "deleted", "updated", "objects"):
        assert after[key] == before[key], f"a second run changed what was {key}"
    pairs = after["activations"]["pairs"]
    assert pairs.keys() == before["activations"]["pairs"].keys()
    assert set(pairs.values()) <= {2}, "asked for a second time, activated a second time"
