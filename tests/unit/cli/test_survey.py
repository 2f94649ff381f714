"""A plan looked at from all sides: what exists, what would be refused, which guardrails it nears."""

from contextlib import closing
from pathlib import Path

import orjson
import pytest

import headgate
from headgate.cli.survey import survey
from headgate.cli.views import plan as view
from headgate.planning.outline import Outline
from headgate.report.render_table import width
from headgate.settings import Profile
from headgate.store import RunRow, open_store
from tests.acceptance.cli_support import AUDIENCE, S3_SECRET, write_manifest

PROFILE = Profile(org_id="org", client_id="c", sandbox="dev")


def planned(folder, flows=3, audiences=None, **options):
    path = write_manifest(folder, flows, **options)
    if audiences is not None:
        one = '{id: "${row.id}", exportMode: DAILY_FULL_EXPORT, schedule: "${vars.daily}"}'
        more = ", ".join(one.replace("${row.id}", AUDIENCE.format(n)) for n in range(audiences))
        path.write_text(path.read_text().replace(f"audiences: [{one}]", f"audiences: [{more}]"))
    return headgate.plan(headgate.load(path, env={"S3_SECRET": S3_SECRET}))


class Known:
    """A store that knows some objects."""

    def __init__(self, known, runs=()):
        self._known, self._runs = known, runs

    def known(self, _sandbox):
        return self._known

    def lengths(self, _sandbox):
        return {}

    def limits(self, _sandbox):
        return {}

    def runs(self):
        return self._runs


def test_guardrails(tmp_path):
    few = survey(planned(tmp_path, 100), PROFILE, None, simulate=False, rate=None)
    assert few.warnings == []
    many = survey(planned(tmp_path, 101), PROFILE, None, simulate=False, rate=None)
    assert [text.split(";")[0] for text in many.warnings] == ["101 flows", "101 audiences are exported at 17:00 UTC"]
    crowded = survey(planned(tmp_path, 1, audiences=251), PROFILE, None, simulate=False, rate=None)
    assert crowded.warnings[0] == "Flow 0: 251 audiences; Adobe advises at most 250 audiences for one destination"


def test_the_guardrail_of_attributes_is_said_once_for_all_items(tmp_path):
    path = write_manifest(tmp_path, 3)
    paths = ", ".join(f"person.a{n}" for n in range(51))
    path.write_text(path.read_text().replace("attributes: [personalEmail.address]", f"attributes: [{paths}]"))
    plan = headgate.plan(headgate.load(path, env={"S3_SECRET": S3_SECRET}))
    found = survey(plan, PROFILE, None, simulate=False, rate=None)
    assert found.warnings == [
        "Flow 0: 51 attributes; Adobe advises at most 50 attributes for one destination (2 more items with too many)"
    ]


def test_what_exists_is_not_asked_for(tmp_path):
    plan = planned(tmp_path, 3)
    first = [job for job in plan.jobs if job.collection and (job.item in (-1, 0))]
    known = {job.spec.marker: ("id", job.digest) for job in first}
    doubtful = plan.jobs[plan.items[1].jobs["flow"]]
    known[doubtful.spec.marker] = ("", doubtful.digest)  # asked for, answer unknown
    found = survey(plan, PROFILE, Known(known), simulate=False, rate="10/s")
    assert (found.count("create"), found.count("reuse")) == (2, 1)
    assert found.requests["POST /flows"] == 2
    assert found.requests["POST /connections"] == 0
    assert found.refusals == []
    assert found.forecast.assumptions.rate_per_s == 10


def test_what_a_run_would_refuse(tmp_path):
    plan = planned(tmp_path)
    flow = plan.jobs[plan.items[0].jobs["flow"]]
    elsewhere = RunRow("m-1", plan.manifest, "m", "dev", "other", "interrupted", 1.0, 2.0, open=3,
                       args={"platform": "embedded"})  # fmt: skip
    profile = Profile(org_id="org", client_id="c", sandbox="dev", access_token=headgate.Secret("t"))
    found = survey(plan, profile, Known({flow.spec.marker: ("id", "other")}, [elsewhere]), simulate=False, rate=None)
    changed, stranger, stale = found.refusals
    assert "cannot be changed to what the manifest says now (flow:Flow 0: made from other content)" in changed
    assert "embedded platform" in stranger
    assert "m-1 is unfinished" in stale
    assert found.unfinished == "m-1"
    assert "refused:" in view.text(found)


def test_what_changed_is_to_be_updated(tmp_path):
    plan = planned(tmp_path)
    row = plan.items[0]
    made = [plan.jobs[index] for role, index in row.jobs.items() if plan.jobs[index].collection]
    known = {job.spec.marker: (f"id-{job.key}", job.digest) for job in made}
    flow = plan.jobs[row.jobs["flow"]]
    known[flow.spec.marker] = ("id", flow.digest.partition(".")[0] + ".other")
    found = survey(plan, PROFILE, Known(known), simulate=True, rate=None)
    assert not found.refusals
    assert (found.count("update"), found.count("reuse")) == (1, 0)
    assert "to update: Flow 0 (--json" in view.text(found)
    assert orjson.loads(view.as_json(found))["actions"][0] == {
        "entry": "Flow ${row.n}",
        "item": "Flow 0",
        "action": "update",
    }
    assert (found.requests["PATCH /flows/{id}"], found.requests["GET /flows"]) == (len(plan.items), 1)


def test_views(tmp_path):
    found = survey(planned(tmp_path, 120, activation=True), PROFILE, None, simulate=True, rate=None)
    text = view.text(found)
    assert max(map(width, text.splitlines())) <= 100
    assert len(text.splitlines()) <= 45
    assert "120 items (120 to create, 0 to update, 0 exist), 120 pairs to activate" in text
    assert "2 is the minimum for 120 pairs" in text
    assert "hold" in text
    data = orjson.loads(view.as_json(found))
    assert data["schema"] == "headgate.plan/1"
    assert data["adhoc"][0]["newFlows"] is True
    assert data["forecast"]["assumptions"]["timeScale"] == 600
    assert S3_SECRET not in view.as_json(found) + text


@pytest.mark.parametrize("simulate", [True, False])
def test_a_real_store_is_only_read(tmp_path, simulate):
    plan = planned(tmp_path)
    with closing(open_store(tmp_path / "s.db")) as store:
        store.begin(RunRow("r", plan.manifest, "m", "dev", plan.fingerprint, "running", 1.0), Outline.of(plan).packed())
    before = Path(tmp_path / "s.db").read_bytes()
    with closing(open_store(tmp_path / "s.db", readonly=True)) as store:
        assert survey(plan, PROFILE, store, simulate=simulate, rate=None).unfinished == "r"
    assert Path(tmp_path / "s.db").read_bytes() == before


async def test_the_forecast_goes_by_what_earlier_runs_found_and_learnt(tmp_path):
    plan = planned(tmp_path, 30, activation=True)
    lengths = {key: {str(step): 1.0} for key, step in (("any", 60), (f"audience:{plan.pairs[0].audience}", 70))}
    with closing(open_store(tmp_path / "state.db")) as store:
        store.remember_limits("dev", {"all": 2.0, "POST /flows": 0.5})
        store.begin(RunRow("r", "m", "p", plan.sandbox, "f", "running", 1.0), b"")
        store.claim("r")
        journal = store.journal("r")
        journal.learn(lengths)
        await journal.flush()
        journal.close()
        found = {part.name: part for part in survey(plan, PROFILE, store, simulate=False, rate="50/s").forecast.parts}
        assert found["requests"].why.endswith("requests at 2 a second (the limit found)")
        assert found["ad-hoc runs"].seconds == pytest.approx(1.1**70)
        assert "as long as before" in found["ad-hoc runs"].why
        text = view.text(survey(plan, PROFILE, store, simulate=False, rate="50/s"))
        assert "(the limit found)" in text
        slower = survey(plan, PROFILE, store, simulate=False, rate="1/s").forecast.parts[0]
        assert "at 1 a second" in slower.why, "what was asked for is less"
