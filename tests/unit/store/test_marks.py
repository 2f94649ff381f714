"""Which keys are marks of objects: a store tells by how they begin."""

from headgate.planning.marker import PREFIX
from headgate.store.contract import MARK
from headgate.workflows import PROCEDURES


def test_a_mark_is_told_from_the_key_of_an_audience():
    assert PREFIX.startswith(MARK)
    spec = {"pairs": [[0, "F", "a"], [1, "F", MARK]]}
    keys = PROCEDURES["adhoc"].keys(spec, {"at": "post"})
    assert len(keys) == 2
    assert not any(key.startswith(MARK) for key in keys)
