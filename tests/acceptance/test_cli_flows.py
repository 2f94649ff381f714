"""Actions on existing flows from the command line: a look before, a kill between, the book of the platform after."""

import json
from pathlib import Path

from tests.acceptance.cli_support import headgate
from tests.acceptance.world import served

EXTEND = Path(__file__).parents[2] / "configs" / "manifests" / "extend-exports.yaml"
FIRST = ("--select", "extend exports")


def test_a_plan_without_credentials_says_that_nobody_can_look(tmp_path):
    done = headgate("plan", EXTEND, *FIRST, cwd=tmp_path)
    assert done.code == 0
    assert "1 selection of existing flows" in done.out
    assert "selected at run time: without credentials" in done.out
    shown = headgate("plan", EXTEND, *FIRST, "--simulate", "--json", cwd=tmp_path).json
    assert [(row["selected"], row["action"]) for row in shown["selections"]] == [(None, "change")]
    assert shown["items"]["total"] == 0
    assert list(tmp_path.iterdir()) == [], "a plan writes nothing"


def test_look_then_run_then_killed_and_resumed(tmp_path):
    with served(tmp_path, "--given", "datasetFlows=60") as world:
        plan = world.run("plan", str(EXTEND), *FIRST)
        assert plan.returncode == 0, plan.stderr
        assert "extend exports (change): 36 flows" in plan.stdout
        assert "Existing dataset export 60: /scheduleParams/endTime 1788220801 → 1830336000" in plan.stdout
        assert "… and 26 more" in plan.stdout
        shown = json.loads(world.run("plan", str(EXTEND), *FIRST, "--json").stdout)["selections"][0]
        assert (shown["selected"], len(shown["flows"])) == (36, 36)
        assert world.ledger()["requests"]["byEndpoint"].keys() == {"GET /flows"}, "a plan only reads"

        process = world.start("run", str(EXTEND), *FIRST, "--rate", "40/s", "--no-progress")
        world.await_ledger(process, lambda ledger: ledger["updated"].get("flows", 0) >= 5)
        process.kill()
        process.communicate()
        held = json.loads(world.run("status", "--json").stdout)["items"]
        assert held.get("held", 0) > 0
        done = world.run("resume", "--report", "report.json", "--no-progress")
        assert done.returncode == 0, done.stdout + done.stderr
        report = json.loads((tmp_path / "report.json").read_text())
        assert {row["status"] for row in report["items"]} == {"updated"}
        assert len(report["items"]) == report["totals"]["items"] == 36
        row = report["items"][0]
        assert row["ids"].keys() == {"flow"}
        assert row["changes"] == [{"path": "/scheduleParams/endTime", "from": 1788220801, "to": 1830336000}]
        ledger = world.ledger()
        assert ledger["updated"] == {"flows": 36}, "each flow once, however often the run died"
        assert ledger["violations"] == []
        table = world.run("report", report["runId"])
        assert "extend exports" in table.stdout
