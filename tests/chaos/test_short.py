"""The chaos command for a few seconds with a fixed seed, and what it is made of; the long version is ``-m chaos``."""

import base64
import sys
from random import Random
from urllib.parse import quote

import pytest

from tests.chaos import secrets, troubles
from tests.chaos.__main__ import conduct, main, table
from tests.chaos.case import Case

#: Patient ones: a busy machine must not make what a person would not see.
CASES = [number for number in range(1, 20) if not Case(1, number).hasty][:5]


def test_a_few_cases(tmp_path):
    """Whatever happened: nothing doubled, nothing lost, no secret; and it did happen."""
    said = []
    outcomes = conduct(tmp_path, seed=1, cases=CASES, tell=said.append)
    assert said == []
    assert len(outcomes) == len(CASES)
    counts = sum((outcome.counts for outcome in outcomes), outcomes[0].counts.__class__())
    assert counts["kills"] >= 3, "a chaos in which nobody dies shows nothing"
    assert counts["kills"] + counts["freezes"] + counts["Ctrl-C"] >= 6
    assert counts["faults"] >= 5
    assert "doubled              0" in table(outcomes, seed=1, state="sqlite", seconds=1.0)


def test_a_case_decides_the_same_again():
    first, again, other = Case(5, 3), Case(5, 3), Case(5, 4)
    assert (first.options, first.faults, first.secrets, first.wish.pieces) == (
        again.options, again.faults, again.secrets, again.wish.pieces,
    )  # fmt: skip
    assert first.secrets != other.secrets


def test_a_finding_is_told_with_how_to_repeat_it(tmp_path, monkeypatch, capsys):
    """A state that cannot be opened is such a finding."""
    state = str(tmp_path)
    monkeypatch.setattr(sys, "argv", ["chaos", "--seed", "7", "--case", "2", "--workers", "1", "--state", state])
    monkeypatch.setenv("TMPDIR", state)
    monkeypatch.setattr("tempfile.tempdir", None)
    assert main() == 1
    said = capsys.readouterr().out
    assert "case 2: failed: " in said
    assert f"again: python -m tests.chaos --seed 7 --case 2 --state {state}" in said
    assert f"kept: {state}" in said


@pytest.mark.parametrize("seed", range(20))
def test_a_secret_is_found_in_every_form(tmp_path, seed):
    rng = Random(seed)
    planted = secrets.plant(rng)
    for name, secret in planted.items():
        raw = secret.encode()
        around = bytes(rng.randrange(256) for _ in range(rng.randrange(9)))
        for form in (
            raw,
            quote(secret, safe="").encode(),
            base64.b64encode(raw),
            base64.b64encode(around + raw + around),
            base64.urlsafe_b64encode(around + raw),
            raw.hex().encode(),
        ):
            (tmp_path / "file").write_bytes(b"x" + form + b"y")
            assert secrets.leaks(tmp_path, planted) == [f"{name} in file"], form
    (tmp_path / "file").write_bytes(b"nothing of the kind, but p8e- and tokens")
    assert secrets.leaks(tmp_path, planted) == []


def test_faults_and_deaths_are_ones_that_exist():
    from headgate import faultpoint
    from headgate.simulator.faults import read_fault

    kinds = set()
    for seed in range(300):
        rng = Random(seed)
        for row in troubles.faults(rng):
            read_fault(row, "a fault")
        death = troubles.death(rng, hasty=seed % 2 == 0)
        kinds.add(death.kind)
        faultpoint.arm(death.crash_at)
    faultpoint.arm("")
    assert kinds == {"point", "kill", "freeze", "ctrl-c", "ctrl-c twice", "rival", "overtaken"}


@pytest.mark.chaos
@pytest.mark.timeout(900)
@pytest.mark.parametrize("seed", [1, 2, 3])
def test_minutes_of_it(tmp_path, seed):
    said = []
    conduct(tmp_path, seed=seed, minutes=2.0, tell=said.append)
    assert said == []


@pytest.mark.chaos
@pytest.mark.timeout(900)
def test_minutes_of_it_on_postgresql(tmp_path, postgres):
    said = []
    conduct(tmp_path, seed=4, minutes=2.0, state=postgres, tell=said.append)
    assert said == []
