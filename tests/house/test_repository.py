"""The repository itself: what lies at its top, and what must not stand in it."""

import re
import subprocess
from pathlib import Path

import pytest

ROOT = Path(__file__).parents[2]
TOP = {"pyproject.toml", "README.md", "LICENSE", "src", "tests", "benchmarks", "configs"}


def tracked():
    found = subprocess.run(["git", "ls-files"], cwd=ROOT, capture_output=True, text=True, check=False)
    if found.returncode or not found.stdout:
        pytest.skip("not a git checkout")
    return [ROOT / name for name in found.stdout.splitlines() if (ROOT / name).exists()]


def test_the_top_level_is_what_it_should_be():
    top = {path.relative_to(ROOT).parts[0] for path in tracked()}
    assert {name for name in top if not name.startswith(".")} == TOP


def test_no_path_of_a_machine_and_no_address_of_a_registry():
    wrong = re.compile(
        "/ho" + r"me/\w|/ro" + r"ot/|/Us" + r"ers/\w|/wo" + "rk/|pypi\\.o" + "rg|files\\.python" + "hosted"
    )
    for path in tracked():
        if path.suffix in {".png", ".svg"}:
            continue
        for number, line in enumerate(path.read_text(errors="replace").splitlines(), 1):
            assert not wrong.search(line), f"{path.relative_to(ROOT)}:{number}: {line[:120]}"


def test_every_compiler_has_a_grammar_and_the_other_way_round():
    from headgate.manifest.kinds import GRAMMARS
    from headgate.workflows.compile import COMPILERS

    assert set(COMPILERS) == set(GRAMMARS)
    actions = [GRAMMARS[kind].action for kind in COMPILERS]
    assert actions == sorted(actions), "resources are compiled before the actions that refer to them"
