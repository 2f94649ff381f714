"""What an object is made from, as a digest: to tell an unchanged item from a changed one, and what can be changed.

A digest is ``<fixed>-<parts>.<rest>``. The first is of what the platform does not change in place (facts 2.6), the
second of each part of that, to say which it was, the third of everything. Secrets count by their reference alone.
"""

from __future__ import annotations

from functools import cache, lru_cache
from hashlib import blake2b
from operator import attrgetter
from typing import TYPE_CHECKING, Any, Final

import orjson

from headgate.secret import reference

if TYPE_CHECKING:
    from collections.abc import Callable, Iterable, Mapping


#: Collections whose objects are changed in place; of all others, nothing is.
CHANGEABLE: Final = ("connections", "sourceConnections", "targetConnections", "flows")
#: What a body says that stays as it is.
_FIXED: Final = (("connectionSpec", "id"), ("flowSpec", "id"), ("auth", "specName"), ("params", "datasets"))
#: Of what is fixed, where the datasets stand, and where all that a source reads.
_DATASETS, _READ = 3, 5
#: The same in words, as they stand in a digest: after these what it stands on, and what is read.
_PARTS: Final = (
    "another connection spec", "another flow spec", "another type of credentials", "other datasets",
    "another account", "another table or other columns", "another account, schema or dataset",
    "what it stands on is replaced",
)  # fmt: skip
#: Hex digits of each but the last: a part that is not noticed is only not named. The last decides, and has twice.
_PART: Final = 4
#: Where the last of them begins, and where it ends: it has twice as many.
_LAST: Final = _PART * (len(_PARTS) - 1)
_END: Final = _LAST + 2 * _PART
_WHOLLY: Final = {
    "schemas": "another class, other field groups or another description (schemas are not changed in place)",
    "dataSets": "another schema or description (datasets are not changed in place)",
}


def digest_of(value: Any, size: int = 12) -> str:
    """A digest of JSON ``value``, ``2 * size`` hex digits; secrets count by their reference."""
    return blake2b(orjson.dumps(value, reference, orjson.OPT_SORT_KEYS), digest_size=size).hexdigest()


def fields_of(spec: Any) -> dict[str, Any]:
    """A spec's fields by name, secrets still wrapped."""
    names, values = _fields(spec.__class__)
    return dict(zip(names, values(spec), strict=True))


@cache
def _fields(of: type) -> tuple[tuple[str, ...], Callable[[Any], tuple[Any, ...]]]:
    """The names of the fields of a type of specs, and what reads them all at once."""
    names: tuple[str, ...] = tuple(of.__slots__)  # type: ignore[attr-defined]
    return names, attrgetter(*names) if len(names) > 1 else lambda spec: tuple(getattr(spec, name) for name in names)


@lru_cache(maxsize=4096)
def _short(part: str | tuple[str, ...] | None, size: int) -> str:
    """The digest of a part that many objects have in common: specs, accounts, nothing."""
    return digest_of(part, size)


@lru_cache(maxsize=4096)
def _told(written: bytes) -> str:
    """The digest of what is fixed of an object, as JSON, and of each part of that: many objects have it in common."""
    fixed = orjson.loads(written)
    # What a source reads, unless it names datasets: they are all that it reads.
    fixed[_READ] = None if fixed[_DATASETS] is not None else fixed[_READ]
    parts = (
        _short(part, _PART // 2) if part is None or isinstance(part, str) else digest_of(part, _PART // 2)
        for part in fixed
    )
    return f"{blake2b(written, digest_size=6).hexdigest()}-{''.join(parts)}"


def content(
    spec: Any, below: Iterable[str], further: Any = None, kinds: Iterable[str] = (), led: Iterable[str] = ()
) -> str:
    """The digest of a creation.

    Args:
        spec: A ``CreateSpec``.
        below: Marks of what it refers to for good: another one cannot be put in its place.
        further: Content the object gets after its creation.
        kinds: What is fixed of the objects it refers to (:func:`kind_of`): it is replaced when they are.
        led: The same of those whose successor it can be led to.
    """
    stands = [sorted(led)] if led else []
    whole = digest_of([fields_of(spec), further, *stands])
    if spec.collection not in CHANGEABLE:
        return f"{whole[:12]}.{whole}"
    body: Mapping[str, Any] = spec.body
    fixed = [
        *[part.get(name) if (part := body.get(key)) else None for key, name in _FIXED],
        body.get("baseConnectionId"),
        # What a live flow reads from is not changed under it: that needs a new pair of connections (facts 8).
        [body.get("params"), body.get("data")] if spec.collection == "sourceConnections" else None,
        tuple(sorted(below)),
    ]
    told = _told(orjson.dumps(fixed, reference, orjson.OPT_SORT_KEYS))
    return f"{told}{_short(tuple(sorted(kinds)), _PART)}.{whole}"


def same_kind(one: str, other: str) -> bool:
    """Whether an object of digest ``one`` can be changed in place to what ``other`` is made from."""
    if _fixed(one) != _fixed(other):
        return False
    stands = [_parts(digest)[-1:] for digest in (one, other)]
    return not all(stands) or stands[0] == stands[1]


def changed_parts(one: str, other: str, collection: str) -> list[str]:
    """In which respects objects of digests ``one`` and ``other`` are not of one kind, in words; as far as they tell."""
    if collection in _WHOLLY:
        return [_WHOLLY[collection]]
    was, now = _parts(one), _parts(other)
    if not was or not now:
        return []
    return [word for word, before, after in zip(_PARTS, was, now, strict=True) if before != after]


def kind_of(digest: str) -> str:
    """What is fixed of an object and of all that it stands on, as a digest of its own."""
    fixed, _, parts = digest.partition(".")[0].partition("-")
    return fixed + parts[_LAST:] if len(parts) == _END else fixed


def _fixed(digest: str) -> str:
    return digest.partition(".")[0].partition("-")[0]


def _parts(digest: str) -> list[str]:
    """The digests of the parts, in their order; empty for a digest that tells none."""
    text = digest.partition(".")[0].partition("-")[2]
    if len(text) != _END:
        return []
    return [*(text[at : at + _PART] for at in range(0, _LAST, _PART)), text[_LAST:]]
