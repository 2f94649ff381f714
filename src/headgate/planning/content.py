"""What an object is made from, as a digest: to tell an unchanged item from a changed one, and what can be changed.

A digest is ``<fixed>-<parts>.<rest>``. The first is of what the platform does not change in place (facts 2.6), the
second of each part of that, to say which it was, the third of everything. Secrets count by their reference alone.
"""

from __future__ import annotations

from functools import lru_cache
from hashlib import blake2b
from typing import TYPE_CHECKING, Any, Final

import orjson

from headgate.secret import reference

if TYPE_CHECKING:
    from collections.abc import Iterable, Mapping


#: Collections whose objects are changed in place; of all others, nothing is.
CHANGEABLE: Final = ("connections", "sourceConnections", "targetConnections", "flows")
#: What a body says that stays as it is.
_FIXED: Final = (("connectionSpec", "id"), ("flowSpec", "id"), ("auth", "specName"), ("params", "datasets"))
#: The same in words, as they stand in a digest: after these what it stands on, and what is read.
_PARTS: Final = (
    "another connection spec", "another flow spec", "another type of credentials", "other datasets",
    "another account", "another table or other columns", "another account, schema or dataset",
    "what it stands on is replaced",
)  # fmt: skip
#: Hex digits of each but the last: a part that is not noticed is only not named. The last decides, and has twice.
_PART: Final = 4
_WHOLLY: Final = {
    "schemas": "another class, other field groups or another description (schemas are not changed in place)",
    "dataSets": "another schema or description (datasets are not changed in place)",
}


def digest_of(value: Any, size: int = 12) -> str:
    """A digest of JSON ``value``, ``2 * size`` hex digits; secrets count by their reference."""
    return blake2b(orjson.dumps(value, reference, orjson.OPT_SORT_KEYS), digest_size=size).hexdigest()


def fields_of(spec: Any) -> dict[str, Any]:
    """A spec's fields by name, secrets still wrapped."""
    return {name: getattr(spec, name) for name in spec.__slots__}


@lru_cache(maxsize=4096)
def _short(part: str | tuple[str, ...] | None, size: int) -> str:
    """The digest of a part that many objects have in common: specs, accounts, nothing."""
    return digest_of(part, size)


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
        *((body.get(key) or {}).get(name) for key, name in _FIXED),
        body.get("baseConnectionId"),
        # What a live flow reads from is not changed under it: that needs a new pair of connections (facts 8).
        [body.get("params"), body.get("data")] if spec.collection == "sourceConnections" else None,
        tuple(sorted(below)),
    ]
    if (body.get("params") or {}).get("datasets") is not None:
        told = [None if part is fixed[5] else part for part in fixed]  # its datasets are all that it reads
    else:
        told = fixed
    parts = "".join(
        _short(part, _PART // 2) if part is None or isinstance(part, (str, tuple)) else digest_of(part, _PART // 2)
        for part in told
    )
    parts += _short(tuple(sorted(kinds)), _PART)
    return f"{digest_of(fixed, 6)}-{parts}.{whole}"


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
    return "".join((_fixed(digest), *_parts(digest)[-1:]))


def _fixed(digest: str) -> str:
    return digest.partition(".")[0].partition("-")[0]


def _parts(digest: str) -> list[str]:
    """The digests of the parts, in their order; empty for a digest that tells none."""
    text = digest.partition(".")[0].partition("-")[2]
    last = _PART * (len(_PARTS) - 1)
    if len(text) != last + 2 * _PART:
        return []
    return [*(text[at : at + _PART] for at in range(0, last, _PART)), text[last:]]
