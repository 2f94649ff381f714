"""Values that must never be seen: they travel wrapped, and only the platform's encoder unwraps them."""

from __future__ import annotations

import re
from typing import Any
from urllib.parse import unquote

MASK = "***"

_URL = re.compile(r"([A-Za-z][A-Za-z0-9+.-]*://)(.*)", re.DOTALL)
_IN_QUERY = re.compile(r"([?&][a-z_]*pass(?:word|wd)?=)([^&]*)", re.IGNORECASE)


class Secret:
    """A secret value and the reference it came from (``${env:S3_KEY}``), or a mask when it was written out.

    ``str``, ``repr`` and formatting give the reference; orjson refuses the type, so a secret that reaches a
    store, a log or a report is a loud error and not a leak.
    """

    __slots__ = ("_value", "ref")

    def __init__(self, value: Any, ref: str = MASK) -> None:
        self._value = value
        self.ref = ref

    def reveal(self) -> Any:
        """The value itself. Called where a request body is encoded or a schema is checked, nowhere else."""
        return self._value

    def __str__(self) -> str:
        return self.ref

    __repr__ = __str__

    def __format__(self, spec: str) -> str:
        return format(self.ref, spec)

    def __eq__(self, other: object) -> bool:
        return isinstance(other, Secret) and other._value == self._value

    def __hash__(self) -> int:
        return hash(("headgate.secret", str(self._value)))


def masked(value: Any) -> Any:
    """A copy of ``value`` (dicts, lists, scalars) in which every secret stands as its reference."""
    if isinstance(value, Secret):
        return value.ref
    if isinstance(value, dict):
        return {key: masked(inner) for key, inner in value.items()}
    if isinstance(value, (list, tuple)):
        return [masked(inner) for inner in value]
    return value


def reference(value: Any) -> str:
    """A secret as its reference: the ``default`` of an encoder whose output may be seen. Refuses anything else."""
    if isinstance(value, Secret):
        return value.ref
    raise TypeError(type(value).__name__)


def revealed(value: Any) -> Any:
    """A copy of ``value`` with every secret unwrapped. For the encoder and the schema checks only."""
    if isinstance(value, Secret):
        return value.reveal()
    if isinstance(value, dict):
        return {key: revealed(inner) for key, inner in value.items()}
    if isinstance(value, (list, tuple)):
        return [revealed(inner) for inner in value]
    return value


def without_password(url: str) -> str:
    """A URL as it may be shown: its password masked, wherever it stands; anything that is no URL as it is.

    A password with an ``@`` or a ``/`` in it, which should have been escaped, is masked as a whole too.
    """
    found = _URL.fullmatch(url)
    if found is None:
        return url
    scheme, rest = found.groups()
    who, at, where = rest.rpartition("@")
    user, colon, _ = who.partition(":")
    shown = f"{user}{colon and ':' + MASK}{at}{where}"
    return scheme + _IN_QUERY.sub(rf"\1{MASK}", shown)


def passwords_of(url: str) -> tuple[str, ...]:
    """The passwords in a URL, as they are written and as they are meant, the longest first."""
    found = _URL.fullmatch(url)
    if found is None:
        return ()
    rest = found.group(2)
    written = [rest.rpartition("@")[0].partition(":")[2], *(match.group(2) for match in _IN_QUERY.finditer(rest))]
    return tuple(sorted({form for one in written if one for form in (one, unquote(one))}, key=len, reverse=True))
