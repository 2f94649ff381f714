"""Pictures from the command line: of a plan, of a run in its state, and the names of runs for the shell."""

from __future__ import annotations

from tests.acceptance.cli_support import headgate, write_manifest


def test_a_plan_and_its_run_as_graphs(tmp_path):
    write_manifest(tmp_path, flows=30, activation=False)
    plan = headgate("plan", "small.yaml", "--simulate", "--graph", "json", cwd=tmp_path)
    assert plan.code == 0, plan.err
    assert plan.json["states"] == {"create": 92}
    assert {node["count"] for node in plan.json["nodes"]} == {1, 30}
    assert headgate("plan", "small.yaml", "--graph", "dot", cwd=tmp_path).out.startswith("digraph headgate {\n")
    done = headgate("run", "small.yaml", "--simulate", "--rate", "500/s", "--no-progress", cwd=tmp_path)
    assert done.code == 0, done.err
    run = headgate("status", "--graph", "json", cwd=tmp_path).json
    assert (run["jobs"], run["states"]) == (156, {"succeeded": 156})
    assert any(edge["needs"] and edge["count"] == 30 for edge in run["edges"])
    picture = headgate("status", "--graph", "mermaid", "--graph-limit", "200", cwd=tmp_path).out
    assert picture.count("Flow 7<br/>succeeded") == 5
    after = headgate("plan", "small.yaml", "--simulate", "--graph", "json", cwd=tmp_path).json
    assert after["states"] == {"reuse": 92}
    shell = {"_HEADGATE_COMPLETE": "bash_complete", "COMP_WORDS": "headgate status small", "COMP_CWORD": "2"}
    (word,) = headgate(cwd=tmp_path, env=shell).out.split()
    assert word.startswith("plain,small-")
