"""Values that are loaded when they are asked for."""

import sys

import pytest

from headgate.late import Late


@pytest.fixture
def table(tmp_path, monkeypatch):
    package = tmp_path / "latecomers"
    package.mkdir()
    (package / "__init__.py").touch()
    for name in ("one", "two"):
        (package / f"{name}.py").write_text(f"VALUE = {name!r}\n")
    monkeypatch.syspath_prepend(tmp_path)
    yield Late("latecomers", {"1": "one:VALUE", "2": "two:VALUE"}, str.upper)
    for name in [name for name in sys.modules if name.split(".")[0] == "latecomers"]:
        del sys.modules[name]


def test_knows_its_keys_and_loads_what_is_asked_for_alone(table):
    assert list(table) == ["1", "2"] and len(table) == 2 and "2" in table and "3" not in table
    assert not any(name.startswith("latecomers") for name in sys.modules)
    assert table["1"] == "ONE"
    assert table.get("3") is None
    assert "latecomers.one" in sys.modules and "latecomers.two" not in sys.modules
    assert dict(table) == {"1": "ONE", "2": "TWO"}


def test_what_is_put_into_it_is_kept(table):
    table["1"] = "other"
    table["3"] = "new"
    assert dict(table) == {"1": "other", "2": "TWO", "3": "new"}
    del table["3"]
    assert "3" not in table and len(table) == 2
    with pytest.raises(KeyError):
        table["3"]
