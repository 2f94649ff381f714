"""Which objects are replaced, and the order in which the old ones go."""

from __future__ import annotations

from headgate.manifest.kinds import GRAMMARS
from headgate.manifest.load import load
from headgate.workflows.compile import compile_plan
from headgate.workflows.replace import extended, replacements

from tests.integration.test_replace import CHANGED, MANIFEST


def plan(folder, text):
    (folder / "m.yaml").write_text(text)
    return compile_plan(load(folder / "m.yaml", grammars=GRAMMARS, env={}), "dev")


def test_the_old_goes_after_the_check_flows_before_connections_and_accounts_last(tmp_path):
    before, after = plan(tmp_path, MANIFEST), plan(tmp_path, CHANGED)
    known = {job.spec.marker: (f"old {job.key}", job.digest) for job in before.jobs if job.collection}
    olds = replacements(after, known)
    assert len(olds) == 1 + (4 + 4) + (4 + 4) + 4, sorted(olds)
    assert replacements(before, known) == {}
    whole = extended(after, olds)
    assert (whole.fingerprint, list(whole.jobs[: len(after.jobs)])) == (after.fingerprint, list(after.jobs))
    by_key = {job.key: job for job in whole.jobs}
    key_of = {index: job.key for index, job in enumerate(whole.jobs)}

    def edges(key):
        return {key_of[edge] for edge in (*by_key[key].needs.values(), *by_key[key].after.values())}

    assert edges("replaced:flow:Mail 1") == {"check:Mail 1"}
    assert edges("replaced:target:Mail 1") == {"check:Mail 1", "replaced:flow:Mail 1"}
    assert edges("replaced:source:Lake 1") == {"check:Lake 1"}
    assert edges("replaced:base:oracle_eloqua:mail") == {f"replaced:target:Mail {number}" for number in range(1, 5)}
    assert by_key["replaced:base:oracle_eloqua:mail"].spec.shared, "left alone while anything uses it"
    assert by_key["replaced:flow:Mail 1"].spec.id == "old flow:Mail 1"
    (row,) = [row for row in whole.items if row.item == "Now 1"]
    assert row.jobs.keys() >= {"oldFlow", "oldSourceConnection"}
    assert extended(after, {}) is after


def test_what_is_in_doubt_or_cannot_be_replaced_is_not(tmp_path):
    before = plan(tmp_path, MANIFEST)
    after = plan(tmp_path, MANIFEST.replace("context/profile", "context/experienceevent"))
    known = {job.spec.marker: ("id", job.digest) for job in before.jobs if job.collection}
    assert all(not key.startswith(("schema:", "dataset:")) for key in replacements(after, known))
    doubts = {mark: ("", digest) for mark, (_, digest) in known.items()}
    assert replacements(plan(tmp_path, CHANGED), doubts) == {}
