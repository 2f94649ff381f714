"""What a run has loaded when its first request leaves: nothing that is for later, or for manifests of other kinds."""

import subprocess
import sys

import pytest

from tests.acceptance.cli_support import environment, write_manifest

#: Stops where the first request would leave, and tells what is loaded by then.
PROGRAM = """
import os, sys
from headgate import faultpoint

def reach(point, *_):
    if point is faultpoint.Point.LEAVING:
        print(*sys.modules, flush=True)
        os._exit(0)

faultpoint.reach = reach
sys.argv = ["headgate", "run", "small.yaml", "--no-progress"]
from headgate.__main__ import main
main()
"""
LATER = {
    "the view of the run": ["headgate.cli.progress", "headgate.cli.live", "rich"],
    "the report": ["headgate.report", "bokeh"],
    "other commands": ["headgate.export", "headgate.loadtest", "headgate.simulator", "headgate.web", "jmespath"],
    "what was not asked for": ["headgate.telemetry", "headgate.bulletin", "structlog", "asyncpg"],
    "other kinds of entries": [
        *(f"headgate.manifest.kinds.{kind}" for kind in ("activation", "dataset_export", "flow_update", "watch")),
        *(f"headgate.workflows.{kind}" for kind in ("adhoc", "datasets", "flow_change", "select", "watch")),
    ],
    "mistakes": ["difflib"],
    "what is measured": ["statistics"],
}


@pytest.fixture(scope="module")
def loaded(tmp_path_factory):
    folder = tmp_path_factory.mktemp("start")
    write_manifest(folder, flows=3)
    settings = {
        "PLATFORM_URL": "http://127.0.0.1:9", "IMS_URL": "http://127.0.0.1:9", "ORG_ID": "x@AdobeOrg",
        "CLIENT_ID": "x", "CLIENT_SECRET": "x", "ACCESS_TOKEN": "x", "SANDBOX": "dev", "STATE": str(folder / "state.db"),
    }  # fmt: skip
    env = environment({f"HEADGATE_{key}": value for key, value in settings.items()})
    done = subprocess.run(
        [sys.executable, "-c", PROGRAM], cwd=folder, env=env, capture_output=True, text=True, check=False, timeout=100
    )
    assert done.returncode == 0, done.stderr
    return set(done.stdout.split())


@pytest.mark.parametrize("what", LATER)
def test_what_is_for_later_is_not_loaded(loaded, what):
    assert not {name for name in loaded for late in LATER[what] if name == late or name.startswith(f"{late}.")}


def test_what_it_needs_is_loaded_so_that_the_names_above_mean_something(loaded):
    assert {"headgate.manifest.kinds.audience_export", "headgate.workflows.create", "aiohttp", "pydantic"} <= loaded
