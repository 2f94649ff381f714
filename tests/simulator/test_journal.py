"""The world's file survives a torn line and nothing worse."""

import pytest

from headgate.simulator.journal import Journal


def test_lines_come_back_in_order(tmp_path):
    path = tmp_path / "sub" / "w.jsonl"
    journal = Journal(path)
    assert list(journal.read()) == []
    journal.open()
    journal.append(1.5, [["a", 1]])
    journal.append(2.0, [])
    assert list(Journal(path).read()) == [
        (1.5, [["a", 1]]),
        (2.0, []),
    ]  # before any close: a kill loses nothing
    journal.close()
    journal.append(3.0, [])
    assert len(list(Journal(path).read())) == 2


@pytest.mark.parametrize("torn", [b'{"at":3,"e":[["new"', b'{"at":3,"e":[]}', b"\x00\x00"])
def test_a_torn_last_line_is_cut_off(tmp_path, torn):
    path = tmp_path / "w.jsonl"
    path.write_bytes(b'{"at":1,"e":[]}\n' + torn)
    assert len(list(Journal(path).read())) == 1
    assert path.read_bytes() == b'{"at":1,"e":[]}\n'


def test_a_broken_line_in_the_middle_is_an_error(tmp_path):
    path = tmp_path / "w.jsonl"
    path.write_bytes(b'{"at":1,"e":[]}\nnonsense\n{"at":2,"e":[]}\n')
    with pytest.raises(ValueError, match=":2: not a line"):
        list(Journal(path).read())
