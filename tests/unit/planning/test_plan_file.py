"""Saved plans: what they hold, and when they are refused."""

import orjson
import pytest

from headgate.errors import StalePlan, UsageError
from headgate.planning import file

CONTENT = {"path": "m.yaml", "sandbox": "dev", "fingerprint": "abc", "asked": {"set": {"a": "b"}, "select": ["x*"]}}


def test_round_trip_and_moving_together(tmp_path, monkeypatch):
    monkeypatch.chdir(tmp_path)
    (tmp_path / "plans").mkdir()
    place = tmp_path / "plans" / "p.json"
    place.write_bytes(file.written(place, CONTENT))
    assert orjson.loads(place.read_bytes())["path"] == "../m.yaml"
    saved = file.read(place)
    assert str(saved.path) == "m.yaml"
    assert (saved.sandbox, saved.fingerprint, saved.asked["set"]) == ("dev", "abc", {"a": "b"})
    saved.check("abc")
    with pytest.raises(StalePlan) as refused:
        saved.check("abd")
    assert (refused.value.expected, refused.value.found) == ("abc", "abd")
    assert "headgate plan m.yaml" in refused.value.hint


def test_a_manifest_is_not_a_saved_plan(tmp_path):
    manifest = tmp_path / "m.json"
    manifest.write_text('{"headgate": 1, "name": "m"}')
    assert not file.is_saved_plan(manifest)
    assert not file.is_saved_plan(tmp_path / "missing")
    saved = tmp_path / "p.json"
    saved.write_bytes(file.written(saved, CONTENT))
    assert file.is_saved_plan(saved)


@pytest.mark.parametrize("text", ["", "{", "[]", '{"schema": "headgate.plan/1"}'])
def test_a_broken_one_is_refused_in_words(tmp_path, text):
    place = tmp_path / "p.json"
    place.write_text(text)
    with pytest.raises(UsageError, match="nothing was sent"):
        file.read(place)
