"""Somebody else was at the platform: plan shows it, run brings it back, and only on request."""

import json

from tests.acceptance.cli_support import S3_SECRET, headgate, write_manifest
from tests.acceptance.world import served

MEDDLE = """\
headgate: 1
name: meddle
sandbox: dev
entries:
  - kind: flow-action
    name: drop
    select: {property: ["name==Flow 1"]}
    action: delete
  - kind: flow-update
    name: say
    select: {property: ["name==Flow 2"]}
    set: {/description: mine}
"""


def test_drift_is_shown_and_brought_back_and_nothing_is_sent_for_the_look(tmp_path):
    manifest = write_manifest(tmp_path, 4)
    (tmp_path / "meddle.yaml").write_text(MEDDLE)
    with served(tmp_path) as world:
        made = world.run("run", str(manifest), "--no-progress")
        assert made.returncode == 0, made.stderr
        meddled = world.run("run", "meddle.yaml", "--state", "other.db", "--no-progress")
        assert meddled.returncode == 0, meddled.stderr
        before = world.ledger()["requests"]["byEndpoint"]

        done = world.run("plan", str(manifest), "--refresh")
        assert done.returncode == 0, done.stderr
        assert "2 exist, 1 drifted, 1 gone" in done.stdout
        assert "gone: will be made again" in done.stdout
        assert '/description "mine' in done.stdout
        data = json.loads(world.run("plan", str(manifest), "--refresh", "--json").stdout)
        assert [(row["item"], row["action"]) for row in data["actions"]] == [
            ("Flow 0", "reuse"),
            ("Flow 1", "gone"),
            ("Flow 2", "drifted"),
            ("Flow 3", "reuse"),
        ]
        after = world.ledger()["requests"]["byEndpoint"]
        assert {name for name in after if after[name] != before.get(name)} <= {name for name in after if "GET" in name}

        again = world.run("run", str(manifest), "--refresh", "--no-progress", "--report", "r.json")
        assert again.returncode == 0, again.stdout + again.stderr
        report = json.loads((tmp_path / "r.json").read_text())
        assert [row["status"] for row in report["items"]] == ["reused", "created", "updated", "reused"]
        ledger = world.ledger()
        assert (ledger["violations"], ledger["duplicates"]) == ([], [])
        assert S3_SECRET not in done.stdout + json.dumps(data)


def test_nobody_looks_without_credentials_or_with_another_platforms_store_and_replace_is_asked_for(tmp_path):
    manifest = write_manifest(tmp_path, 2)
    nobody = headgate("plan", manifest, "--refresh", cwd=tmp_path)
    assert nobody.code == 2
    assert "nothing can be asked" in nobody.err
    assert headgate("run", manifest, "--simulate", "--no-progress", cwd=tmp_path).code == 0
    looked = headgate("plan", manifest, "--refresh", "--simulate", cwd=tmp_path)
    assert (looked.code, "on the platform: " in looked.out) == (0, True)
    keys = {f"HEADGATE_{key}": "x" for key in ("ACCESS_TOKEN", "ORG_ID", "CLIENT_ID", "CLIENT_SECRET", "SCOPES")}
    stranger = headgate("plan", manifest, "--refresh", cwd=tmp_path, env=keys)
    assert stranger.code == 2
    assert "the embedded platform" in stranger.err

    text = manifest.read_text().replace("    connection: crm-s3", "    connection: zone")
    text = text.replace("entries:", "  zone: {destination: data_landing_zone}\nentries:")
    manifest.write_text(text.replace('bucketName: "${vars.bucket}", ', ""))
    plan = headgate("plan", manifest, "--simulate", "--replace", cwd=tmp_path)
    assert (plan.code, "2 to replace" in plan.out) == (0, True)
    anew = headgate("run", manifest, "--simulate", "--no-progress", "--replace", "--json", cwd=tmp_path)
    assert anew.code == 0, anew.err
    assert [row["status"] for row in anew.json["items"]] == ["replaced", "replaced"]
