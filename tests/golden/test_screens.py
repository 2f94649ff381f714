"""Screens are as they were last looked at; they fit; without colour there is none, and in a pipe nothing but text."""

from __future__ import annotations

import re

import pytest

from headgate.report.render_table import width
from tests.golden import screens

SIZED = {name: text for name, text in screens.screens().items() if " x 24" in name and "colour" not in name}


def test_screens_are_as_in_the_file():
    assert screens.rendered() == screens.FILE.read_text(encoding="utf-8"), "look at them, then: python -m tests.golden"


@pytest.mark.parametrize("name", SIZED)
def test_they_fit(name):
    columns = int(re.search(r"(\d+) x 24", name)[1])
    lines = SIZED[name].splitlines()
    assert max(map(width, lines)) <= columns
    assert len(lines) <= 23
    if not name.startswith("a run"):
        assert len(lines) <= 22, "what the embedded platform saw, and the prompt, stand below"


@pytest.mark.parametrize("columns", [60, 80, 140])
def test_no_colour_is_none(columns):
    sequences = set(re.findall(r"\x1b\[[\d;]*m", screens.drawn(screens.MID, columns, no_color=True)))
    assert sequences <= {"\x1b[0m", "\x1b[1m", "\x1b[2m"}, "bold and dim are no colours"


def test_a_low_terminal_keeps_the_head_and_the_causes():
    text = screens.drawn(screens.MID, 80, 16, no_color=True)
    assert len(text.splitlines()) <= 18
    assert "2118-403" in text
    assert "left" in text


def test_in_a_pipe_there_are_no_control_characters():
    assert all(line.isprintable() for line in screens.screens()["a run goes: in a pipe"].splitlines())


def test_the_next_command_and_every_cause_are_on_the_last_screen():
    text = SIZED["it failed: 80 x 24"]
    for cause in screens.FAILED.failures[:1]:
        assert cause.advice in text
    assert all(code in text for code in ("2118-403", "1100-400", "1101-404", "no answer within 30 s"))
    assert text.splitlines()[-1] == f"mend the cause, then: headgate retry {screens.FAILED.run_id}"
