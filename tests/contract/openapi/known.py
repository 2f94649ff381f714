"""How a known difference from the published files is written down."""

from __future__ import annotations

import re
from typing import NamedTuple

from tests.contract.openapi.spec import Difference

D, F = "destinations", "flow-service"


class Known(NamedTuple):
    """``why``: the fact or trap that explains it."""

    spec: str
    endpoint: str
    where: str
    what: str
    why: str

    def fits(self, found: Difference) -> bool:
        """Whether ``found`` is one of these."""
        return self.spec == found.spec and all(
            re.fullmatch(re.escape(mine).replace(r"\*", ".*"), theirs)
            for mine, theirs in zip(self[1:4], found[1:4], strict=True)
        )


def keys(spec: str, endpoint: str, where: str, at: str, names: str, why: str) -> list[Known]:
    """Keys that ``spec`` does not name at ``at``: one entry each, so that a misspelt one is none of them."""
    return [Known(spec, endpoint, where, f"{at}: key {name!r} is not in the spec", why) for name in names.split()]
