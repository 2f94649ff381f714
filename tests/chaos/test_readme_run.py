"""README's run, killed with -9 at ten random moments, and on each of the fault files. Slow: ``-m chaos``."""

import random
import shutil

import pytest

from tests.acceptance.world import REPOSITORY, assert_clean, served

pytestmark = [pytest.mark.chaos, pytest.mark.timeout(600)]
ITEMS, PAIRS, CONNECTIONS = 240, 600, 9


@pytest.mark.parametrize("seed", [1, 2, 3])
def test_ten_kills(tmp_path, seed):
    """Replay one with ``python -m pytest -m chaos -k 'ten_kills and <seed>'``."""
    chance = random.Random(seed)
    for found in (REPOSITORY / "configs/manifests").glob("first-run*"):
        shutil.copy(found, tmp_path)
    with served(tmp_path) as world:
        moments = sorted(chance.sample(range(20, 1400), 10))
        for moment in moments:
            process = world.start("run", "first-run.yaml", "--rate", "200/s", "--no-progress")
            alive = world.await_requests(process, moment)
            process.kill()
            process.communicate()
            if not alive:
                break
        done = world.run("resume", timeout=200)
        assert done.returncode == 0, (moments, done.stdout, done.stderr)
        assert_clean(world.ledger(), items=ITEMS, pairs=PAIRS, connections=CONNECTIONS)


@pytest.mark.parametrize("faults", ["lost-answers", "bad-day", "broken-answers", "throttling"])
def test_every_fault_file(tmp_path, faults):
    for found in (REPOSITORY / "configs/manifests").glob("first-run*"):
        shutil.copy(found, tmp_path)
    with served(tmp_path, "--faults", str(REPOSITORY / f"configs/faults/{faults}.yaml")) as world:
        done = world.run("run", "first-run.yaml", "--rate", "200/s", timeout=500)
        assert done.returncode == 0, done.stdout + done.stderr
        assert_clean(world.ledger(), items=ITEMS, pairs=PAIRS, connections=CONNECTIONS)
