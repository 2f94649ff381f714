"""Renderings of a report: one screen of text, rows of CSV, lines of JSON, and the file they go to."""

import csv
import io
import json
from dataclasses import replace

import pytest

from headgate.report import Failure, ItemResult, PairResult, Report
from headgate.report.render import FORMATS, probe, write
from headgate.report.render_causes import Causes, causes_of
from headgate.report.render_table import clip, entry_name, seconds, table, width, wrapped
from headgate.report.render_text import render

IDS = {"baseConnection": "b", "sourceConnection": "s", "targetConnection": "t", "flow": "f"}


def report(items=(), pairs=(), failures=(), **changes):
    totals = {"items": len(items), "jobs": 10, "succeeded": 10, "failed": 0, "skipped": 0, "reused": 0, "held": 0}
    requests = {"sent": 1234, "throttled": 2, "retried": 3, "polls": 4,
                "byEndpoint": {"POST /flows": 240, "GET /flows/{id}": 994}}  # fmt: skip
    found = Report("run-1", "m", "dev", "succeeded", 1.7e9, 1.7e9 + 30, 30.0, totals, requests, items, pairs, failures)
    return replace(found, **changes)


def item(entry="Loyalty ${row.country.code}", name="Loyalty fr", status="created", error=None):
    return ItemResult(entry, name, status, IDS if status == "created" else {}, error)


def pair(outcome="activated", state="success", reason=None):
    return PairResult("now", "flow", "audience", outcome, 1, "run", state, 1, reason)


def test_one_screen_that_a_person_understands():
    items = [item(f"Entry {n} ${{row}}", status="failed" if n == 3 else "created") for n in range(40)]
    pairs = [pair()] * 5 + [pair("held", None)]
    failures = [Failure(f"Loyalty {n}", f"flow:{n}", 400, "1418-400", f"connection {n} is missing", "r", "make it")
                for n in range(30)]  # fmt: skip
    text = render(report(items, pairs, failures, status="failed", stop="5 failed, 2 tolerated"),
                  notes=["report: r.json", "resume with: headgate resume run-1"])  # fmt: skip
    lines = text.splitlines()
    assert len(lines) <= 40
    assert max(map(width, lines)) <= 80
    assert lines[0] == "FAILED  run-1  in sandbox dev, 30 s"
    assert "… 33 more entries" in text
    assert "30 × 400 1418-400   such as: Loyalty 0\n      connection 0 is missing" in text
    assert "hint: make it" in text
    assert lines[-1] == "resume with: headgate resume run-1"


def test_counts_stand_under_their_names():
    text = render(report([item(), item(status="reused"), item(status="failed")], [pair(), pair("unmapped", None)]))
    header, row = next((one, two) for one, two in zip(text.splitlines(), text.splitlines()[1:], strict=False)
                       if one.startswith("items"))  # fmt: skip
    assert header.split() == ["items", "total", "created", "reused", "failed"]
    assert row.split() == ["Loyalty", "*", "3", "1", "1", "1"]
    assert "unmapped" in text
    assert "out-of-schedule" not in text


def test_requests_are_compact():
    text = render(report([item()]))
    assert "1,234 requests (41.1 a second): 2 throttled, 3 retried, 4 polls" in text
    assert "GET /flows/{id} 994 · POST /flows 240" in text


def test_failures_of_one_cause_are_one():
    causes = Causes()
    for number in range(1000):
        causes.add(400, "x", f"flow {number} of 'name {number}' is no good", f"item {number}", "")
    causes.add(0, "", "other", "item", "", 3)
    first, second = causes.top()
    assert (first.count, first.example) == (1000, "item 0")
    assert second.count == 3


def test_failed_runs_are_counted_by_pair():
    job = Failure("", "adhoc:now:1", 0, "headgate-run-failed", "no rows", "", "")
    found = causes_of(report(pairs=[pair("failed", "failed", "no rows")] * 3, failures=[job]))
    assert [(cause.count, cause.message) for cause in found] == [(3, "no rows")]


def test_csv_has_every_row_and_no_formula():
    text = FORMATS["csv"](report([item(name="=HYPERLINK(1)"), item(status="failed", error={"message": "no", "advice": "x"})],
                                 [pair()]))  # fmt: skip
    rows = list(csv.DictReader(io.StringIO(text)))
    assert [row["row"] for row in rows] == ["item", "item", "activation"]
    assert rows[0]["item"] == "'=HYPERLINK(1)"
    assert rows[0]["flow"] == "f"
    assert rows[1]["error"] == "no"
    assert rows[2]["outcome"] == "activated"


def test_json_and_jsonl_say_the_same():
    found = report([item()], [pair()], [Failure("i", "j", 400, "c", "m", "r", "a")])
    whole = json.loads(FORMATS["json"](found))
    lines = [json.loads(line) for line in FORMATS["jsonl"](found).splitlines()]
    assert whole["schema"] == lines[0]["schema"] == "headgate.report/1"
    assert {**whole["items"][0], "row": "item"} == lines[1]
    assert {**whole["failures"][0], "row": "failure"} == lines[3]


def test_an_empty_report_renders_everywhere():
    empty = report(wall_s=0.0)
    assert all(form(empty) for form in FORMATS.values())


@pytest.mark.parametrize(("status", "reason", "code"), [
    ("succeeded", "", 0), ("failed", "", 1), ("failed", "platform", 3), ("failed", "on-error", 1),
    ("stopped", "tolerate", 5), ("stopped", "finish-by", 5), ("interrupted", "interrupted", 130), ("interrupted", "", 130),
])  # fmt: skip
def test_exit_codes_follow_from_the_report(status, reason, code):
    assert report(status=status, stop_reason=reason).exit_code == code


def test_a_file_is_whole_or_as_it_was(tmp_path, monkeypatch):
    place = tmp_path / "deep" / "r.json"
    write(place, "one")
    monkeypatch.setattr(type(place), "replace", lambda *_: (_ for _ in ()).throw(OSError(28, "full")))
    with pytest.raises(OSError, match="full"):
        write(place, "two")
    assert place.read_text() == "one"
    assert list(place.parent.iterdir()) == [place]


def test_a_probe_leaves_nothing(tmp_path):
    probe(tmp_path / "new" / "r.json")
    assert list((tmp_path / "new").iterdir()) == []
    (tmp_path / "file").write_text("")
    with pytest.raises(OSError, match="directory|exists"):
        probe(tmp_path / "file" / "r.json")


def test_tables_align_and_clip():
    assert table([["a", "1"], ["long name", "10"]], right=(1,), most=(5,)) == ["a       1", "long…  10"]
    assert table([]) == []
    assert clip("日本語テキスト", 7) == "日本語…"
    assert wrapped("one two three", 8, "  ") == ["  one", "  two", "  three"]
    assert entry_name("Loyalty ${row.a.b} x ${row}") == "Loyalty * x *"


@pytest.mark.parametrize(("value", "said"), [(0.04, "0.0 s"), (9.94, "9.9 s"), (59.4, "59 s"), (60, "1 min 00 s"),
                                             (3599, "59 min 59 s"), (3700, "1 h 01 min")])  # fmt: skip
def test_durations(value, said):
    assert seconds(value) == said
