"""What an object is made from, as a digest: to tell an unchanged item from a changed one, and what can be changed.

A digest is ``<fixed>.<rest>``. The first part is of what the platform does not change in place (facts 2.6), the second
of everything. Secrets count by their reference alone.
"""

from __future__ import annotations

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


def digest_of(value: Any, size: int = 12) -> str:
    """A digest of JSON ``value``, ``2 * size`` hex digits; secrets count by their reference."""
    return blake2b(orjson.dumps(value, reference, orjson.OPT_SORT_KEYS), digest_size=size).hexdigest()


def fields_of(spec: Any) -> dict[str, Any]:
    """A spec's fields by name, secrets still wrapped."""
    return {name: getattr(spec, name) for name in spec.__slots__}


def content(spec: Any, below: Iterable[str], further: Any = None) -> str:
    """The digest of a creation.

    Args:
        spec: A ``CreateSpec``.
        below: Marks of what it refers to for good: another one cannot be put in its place.
        further: Content the object gets after its creation.
    """
    whole = digest_of([fields_of(spec), further])
    if spec.collection not in CHANGEABLE:
        return f"{whole[:12]}.{whole}"
    body: Mapping[str, Any] = spec.body
    fixed = [
        *((body.get(key) or {}).get(name) for key, name in _FIXED),
        body.get("baseConnectionId"),
        # What a live flow reads from is not changed under it: that needs a new pair of connections (facts 8).
        [body.get("params"), body.get("data")] if spec.collection == "sourceConnections" else None,
        sorted(below),
    ]
    return f"{digest_of(fixed, 6)}.{whole}"


def same_kind(one: str, other: str) -> bool:
    """Whether an object of digest ``one`` can be changed in place to what ``other`` is made from."""
    return one.partition(".")[0] == other.partition(".")[0]
