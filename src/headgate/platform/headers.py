"""The headers and base path of every service (facts 1.1, 1.3).

Headers of a token are built once and shared by all its requests. There is no ``Accept`` that nobody asked for: ad-hoc
activation picks its version by that header alone, and ``*/*`` is nowhere documented (trap 11).
"""

from __future__ import annotations

import re
from typing import TYPE_CHECKING, NamedTuple

from multidict import CIMultiDict

if TYPE_CHECKING:
    from headgate.exchange import Call, Service
    from headgate.platform.endpoint import PlatformSettings

#: Base path of each service below the platform's URL.
BASES: dict[Service, str] = {
    "flow": "/data/foundation/flowservice",
    "adhoc": "/data/core/activation/disflowprovider",
    "segmentation": "/data/core/ups",
    "schemaregistry": "/data/foundation/schemaregistry",
    "catalog": "/data/foundation/catalog",
    "conversion": "/data/foundation/conversion",
}
#: ``Accept`` unless a call brings its own. Ad-hoc has none: without one it is version 1. Nor has the Schema Registry:
#: what it takes differs by call, a list with a version is refused and a single schema without one (facts 9).
_ACCEPT: dict[Service, str] = dict.fromkeys(("flow", "segmentation", "catalog", "conversion"), "application/json")
#: Required by the platform on these, body or not.
_WITH_CONTENT_TYPE = frozenset({"POST", "PUT", "PATCH"})
_ENDS_LINE = re.compile(r"[\r\n\0]")


class Head(NamedTuple):
    """The headers of one request: by name, and as lines, each with its end."""

    fields: CIMultiDict[str]
    lines: str


class Headers:
    """Ready-made headers, by service and kind of method, for one token at a time."""

    def __init__(self, settings: PlatformSettings) -> None:
        self._settings = settings
        self._token = ""
        self._made: dict[tuple[Service, bool], Head] = {}

    def of(self, call: Call, token: str) -> Head:
        """The headers of ``call``; shared between calls, so not to be changed. A call's own headers win.

        Raises:
            ValueError: a value holds a line end, and would be more than one header.
        """
        if token != self._token:
            self._token = token
            self._made = {}
        key = (call.service, call.method in _WITH_CONTENT_TYPE)
        made = self._made.get(key)
        if made is None:
            made = self._made[key] = _head(self._make(*key))
        if not call.headers:
            return made
        own = made.fields.copy()
        own.update(call.headers)
        return _head(own)

    def _make(self, service: Service, content_type: bool) -> CIMultiDict[str]:
        settings = self._settings
        headers = CIMultiDict(
            {
                "Authorization": f"Bearer {self._token}",
                "x-api-key": settings.client_id,
                "x-gw-ims-org-id": settings.org_id,
                "x-sandbox-name": settings.sandbox,
                "User-Agent": "headgate",
            }
        )
        if service in _ACCEPT:
            headers["Accept"] = _ACCEPT[service]
        if content_type:
            headers["Content-Type"] = "application/json"
        return headers


def _head(fields: CIMultiDict[str]) -> Head:
    if any(_ENDS_LINE.search(value) for value in fields.values()):
        raise ValueError("a header holds a line end")
    return Head(fields, "".join(f"{name}: {value}\r\n" for name, value in fields.items()))
