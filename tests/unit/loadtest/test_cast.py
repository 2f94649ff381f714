"""Who arrives: items in turn, under names that nobody has, and never what cannot be undone."""

from __future__ import annotations

import pytest

from headgate.errors import UsageError
from headgate.loadtest.cast import cast
from headgate.loadtest.conduct import refuse_protected
from headgate.loadtest.trial import Asked, Trial
from headgate.manifest.kinds import GRAMMARS
from headgate.manifest.load import load
from headgate.settings import Profile
from headgate.workflows.compile import compile_plan

from tests.acceptance.cli_support import write_manifest

ENV = {"S3_SECRET": "x" * 40}


@pytest.fixture
def manifest(tmp_path):
    return load(write_manifest(tmp_path, flows=3, activation=True), grammars=GRAMMARS, env=ENV)


def test_items_arrive_in_turn_and_from_the_beginning_again(manifest):
    played = cast(manifest, 7, "lt01")
    assert list(played.names) == [f"Flow {n % 3} lt01-{n + 1:04}" for n in range(7)]
    assert sorted(item.name for item in played.manifest.items) == sorted(played.names)
    assert played.manifest.name == f"{manifest.name}-loadtest"
    assert played.left_out == ["entry 'now' (activation) is left out: nothing undoes it"]


def test_nothing_of_it_is_what_a_run_of_the_manifest_would_make(manifest):
    mine = compile_plan(cast(manifest, 3, "lt01").manifest, "dev").jobs
    real = compile_plan(manifest, "dev").jobs
    both = {job.spec.marker for job in mine if job.collection} & {job.spec.marker for job in real if job.collection}
    assert both == {job.spec.marker for job in real if job.key == "base:profile-store"}, "a sandbox has that once"
    made = [job for job in mine if job.collection and job.key != "base:profile-store"]
    assert not {job.spec.name for job in made} & {job.spec.name for job in real if job.collection}


def test_tests_of_one_manifest_do_not_meet_either(manifest):
    one, two = (Trial(manifest, Asked.of(["1/s:3s"]), "dev").plan for _ in range(2))
    assert not {row.item for row in one.items} & {row.item for row in two.items}


def test_what_a_manifest_tolerates_is_not_what_a_test_is_judged_by(tmp_path):
    path = write_manifest(tmp_path)
    path.write_text(f"{path.read_text()}options: {{tolerate: 0, onError: stop, rate: 1/s, audiencesPerJob: 5}}\n")
    played = cast(load(path, grammars=GRAMMARS, env=ENV), 1, "lt01")
    assert played.manifest.options == {"audiencesPerJob": 5}


def test_where_nothing_can_arrive_nothing_is_sent(tmp_path):
    path = tmp_path / "m.yaml"
    path.write_text(
        "headgate: 1\nname: m\nentries: [{kind: watch, name: w, flows: [8256cfb4-17e6-432c-a469-6aedafb16cd5]}]\n"
    )
    with pytest.raises(UsageError, match="nothing in it can arrive"):
        cast(load(path, grammars=GRAMMARS, env={}), 1, "lt01")


def test_a_protected_sandbox_is_not_loaded_whatever_is_typed():
    profile = Profile.load(env={}, protected_sandboxes=["prod"])
    with pytest.raises(UsageError, match="no load test"):
        refuse_protected(profile, "Prod", simulate=False)
    refuse_protected(profile, "prod", simulate=True)
