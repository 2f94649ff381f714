"""configs/manifests/bad-night.yaml on a small scale: its four causes are seen, and the command to run next works."""

import re
from pathlib import Path

from headgate.simulator import load_faults
from tests.acceptance.cli_support import headgate
from tests.acceptance.embedded import served

CONFIGS = Path(__file__).parents[2] / "configs"
SMALL = [word for name, count in (("stores", 180), ("partners", 80), ("lapsing", 40))
         for word in ("--set", f"{name}={count}")]  # fmt: skip
CODES = ["2118-403", "1100-400", "1101-404", "403   such as"]


def test_the_last_screen_leads_to_the_causes_and_to_the_next_command(tmp_path):
    with served(time_scale=600, faults=load_faults(CONFIGS / "faults/four-causes.yaml")) as platform:
        who = platform.credentials
        env = {"HEADGATE_PLATFORM_URL": platform.url, "HEADGATE_IMS_URL": platform.ims_url,
               "HEADGATE_TIME_SCALE": "600",
               **{f"HEADGATE_{key.upper()}": who[key] for key in
                  ("org_id", "client_id", "client_secret", "scopes", "sandbox")}}  # fmt: skip
        ran = headgate("run", CONFIGS / "manifests/bad-night.yaml", *SMALL, "--rate", "2000/s", cwd=tmp_path, env=env)
        assert ran.code == 1, ran.out + ran.err
        assert all(code in ran.out for code in CODES), ran.out
        assert ran.out.count("hint: ") == len(CODES)
        found = re.search(r"headgate (retry \S+)", ran.out.splitlines()[-1])
        retried = headgate(*found[1].split(), cwd=tmp_path, env=env)
        assert retried.code == 0, retried.out + retried.err
        assert "SUCCEEDED" in retried.out
