"""Killed while another run begins, or instead of it: what the first may have made is neither forgotten nor made again."""

import pytest

from tests.kill.cases import FLAGS, KILLED, Workshop, rows_of, well
from tests.kill.kinds import KINDS, judge_always, judge_gone, made
from tests.kill.rows import EFFECT

#: An unfinished run is claimed and ended, then the new one begins.
MOMENTS = ("claiming", "finishing", "beginning", "begun", f"sent:1:{EFFECT}")
#: Who makes what a sandbox has once dies: when its mark is granted, and all around the request.
MAKING = (
    "group-durable:1:keys=", "may-leave:3:^POST /connections", "sent:2:^POST /connections",
    "sent:3:^POST /connections", "answered:3:^POST /connections",
)  # fmt: skip


@pytest.fixture(scope="module")
def workshop(tmp_path_factory):
    workshop = Workshop(tmp_path_factory.mktemp("between"), workers=1)
    yield workshop
    workshop.close()


def died_in(stage, kind, moment, *command):
    """The stage's manifest, after its run has died in the middle and ``command`` in its turn at ``moment``."""
    path = kind.write(stage)
    done = stage.run("run", path, crash_at=f"sent:4:{EFFECT}")
    assert done.code == KILLED, done.talk
    done = stage.run(command[0], path, *command[1:], crash_at=moment)
    assert done.code == KILLED, done.talk
    return path


@pytest.mark.parametrize("moment", MOMENTS)
def test_a_fresh_run_after_one_that_died(workshop, moment):
    kind = KINDS["audience-export"]
    with workshop.stage(f"fresh-{moment[:9]}") as stage:
        path = died_in(stage, kind, moment, "run", "--fresh")
        well(stage.run("run", path, *FLAGS), "the run")
        assert rows_of(stage) <= {"created", "reused"}
        judge_always(stage.ledger())
        kind.judge(stage, stage.ledger())


@pytest.mark.parametrize("moment", MOMENTS)
def test_a_destroy_of_a_run_that_died(workshop, moment):
    kind = KINDS["audience-export"]
    with workshop.stage(f"destroy-{moment[:9]}") as stage:
        path = died_in(stage, kind, moment, "destroy", "--yes")
        well(stage.run("destroy", path, "--yes", *FLAGS), "the destroy")
        judge_always(stage.ledger())
        judge_gone(stage, stage.ledger())
        assert "nothing is unfinished" in stage.run("resume").err


OTHER = {'"kill"': '"other"', '"bucket"': '"pail"', '"mail"': '"post"', "Bucket ": "Pail ", "Mail ": "Post "}


def another(stage, kind):
    """A manifest of the same kind, with other names."""
    text = (stage.folder / kind.write(stage)).read_text()
    for old, new in OTHER.items():
        text = text.replace(old, new)
    (stage.folder / "other.json").write_text(text)
    return "other.json"


@pytest.mark.parametrize("moment", MAKING)
def test_another_manifest_while_one_that_died_may_have_made_what_both_need(workshop, moment):
    kind = KINDS["audience-export"]
    with workshop.stage("making" + moment.replace(":", "-")[:18]) as stage:
        path = kind.write(stage)
        other = another(stage, kind)
        done = stage.run("run", path, crash_at=moment)
        assert done.code == KILLED, done.talk
        well(stage.run("run", other, *FLAGS), "the other")
        well(stage.run("run", path, *FLAGS), "what died")
        judge_always(stage.ledger())
        made(stage.ledger(), connections=5, sourceConnections=6, targetConnections=6, flows=6)
