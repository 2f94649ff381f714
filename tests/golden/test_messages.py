"""Messages are as they were last looked at, and each says what happened, to what, what was not done, and what to do."""

from __future__ import annotations

import re
from functools import cache

import pytest

from tests.golden.collect import FILE, NOT_DONE, collected, rendered

SECTIONS = ("manifests", "command lines", "settings", "state and runs", "disk")


@cache
def now():
    return collected()


def test_messages_are_as_in_the_file():
    assert rendered(now()) == FILE.read_text(encoding="utf-8"), "look at them, then: python -m tests.golden"


@pytest.mark.parametrize("section", SECTIONS)
def test_every_message_says_what_was_not_done(section):
    silent = [name for name, text in now()[section] if not NOT_DONE.search(text)]
    assert silent == []


@pytest.mark.parametrize("section", SECTIONS)
def test_every_message_has_a_hint(section):
    for name, text in now()[section]:
        blocks = re.split(r"\n(?=\S+:\d+: |\S+\.\w+: |error: )", text.strip())
        problems = [one for one in blocks if not re.match(r"\d+ problems? in", one)]
        assert problems, name
        for problem in problems:
            assert re.search(r"hint: \S", problem) or "will be deleted" in problem, f"{name}: {problem}"


def test_every_problem_of_a_manifest_names_file_line_and_key():
    for name, text in now()["manifests"]:
        if "error:" in text:
            continue  # the command line is wrong, and not a manifest
        places = [line for line in text.splitlines() if not line.startswith("  ") and "problem" not in line]
        assert places, name
        for place in places:
            assert re.match(
                r"[\w.]+:\d+: \S+: |gone.yaml: |m.yaml: the file is empty|m.yaml:\d+: (not valid|a manifest)", place
            ), place


@pytest.mark.parametrize("section", ["the platform's codes", "the platform's words", "the platform's statuses"])
def test_every_refusal_of_the_platform_has_advice(section):
    assert all(len(text) > len("hint: set org") for _, text in now()[section])
