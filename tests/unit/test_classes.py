"""A frozen dataclass of ours is one of the standard library's to whoever uses it."""

from dataclasses import asdict, dataclass, field, fields, is_dataclass, replace

import pytest

from headgate.classes import frozen, mutable


@frozen
class Point:
    x: int
    y: int = 0
    note: str = field(default="", compare=False)
    secret: str = field(default="s", repr=False)


@frozen
class Other:
    x: int
    y: int = 0
    note: str = ""
    secret: str = "s"


@frozen
class Nothing:
    pass


@frozen
class Named:
    name: str

    def __repr__(self) -> str:
        return f"<{self.name}>"

    def __eq__(self, other: object) -> bool:
        return isinstance(other, Named)

    def __hash__(self) -> int:
        return 1


@dataclass(frozen=True, slots=True)
class Standard:
    x: int
    y: int = 0
    note: str = field(default="", compare=False)
    secret: str = field(default="s", repr=False)


def test_compares_by_its_fields_and_with_its_own_class_alone():
    assert Point(1, 2) == Point(1, 2, "noted") != Point(1, 3)
    assert Point(1, 2) != Other(1, 2)
    assert hash(Point(1, 2)) == hash(Point(1, 2, "noted"))
    assert {Point(1), Point(1), Point(2)} == {Point(1), Point(2)}
    assert Nothing() == Nothing() and len({Nothing(), Nothing()}) == 1


def test_shows_itself_as_a_standard_one_does():
    assert repr(Point(1, 2, "n")) == repr(Standard(1, 2, "n")).replace("Standard", "Point")
    assert repr(Nothing()) == "Nothing()"


def test_what_the_class_says_itself_stays():
    assert repr(Named("a")) == "<a>"
    assert Named("a") == Named("b")
    assert hash(Named("a")) == 1


def test_is_a_dataclass_with_slots():
    assert is_dataclass(Point) and [each.name for each in fields(Point)] == ["x", "y", "note", "secret"]
    assert replace(Point(1), y=5) == Point(1, 5)
    assert asdict(Point(1)) == {"x": 1, "y": 0, "note": "", "secret": "s"}
    with pytest.raises(AttributeError):
        Point(1).z = 3
    match Point(1, 2):
        case Point(x, y):
            assert (x, y) == (1, 2)


@mutable
class Counted:
    name: str
    count: int = 0


def test_one_that_may_change_compares_by_its_fields_and_has_no_hash():
    one = Counted("a")
    one.count += 1
    assert one == Counted("a", 1) != Counted("a")
    with pytest.raises(TypeError):
        hash(one)
