"""Plans: frozen lists of jobs with edges, their rows, fingerprints, outlines and forecasts.

Owns what is planned and how it is named. Refuses clocks, HTTP and SQL, and knows no entry kind: workflows fill it.

The room has the name of a function of the public API, ``headgate.plan(manifest)``, and Python knows one attribute of
that name: so the room can be called, and is that function.
"""

from __future__ import annotations

import sys
from types import ModuleType
from typing import TYPE_CHECKING, Any

if TYPE_CHECKING:
    from headgate.manifest.model import Manifest
    from headgate.plan.model import Plan


class _Room(ModuleType):
    def __call__(self, manifest: Manifest, **options: Any) -> Plan:
        """See :func:`headgate.api.plan`."""
        from headgate.api import plan

        return plan(manifest, **options)


sys.modules[__name__].__class__ = _Room
