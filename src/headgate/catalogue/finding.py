"""One thing a check found. Imports nothing, so every pure room may speak it."""

from __future__ import annotations

from dataclasses import replace
from typing import Literal

from headgate.classes import frozen


@frozen
class Finding:
    """What is wrong (or doubtful) at ``key``, and what to do about it.

    ``key`` is a dotted path relative to what was checked (``schedule.frequency``). ``place`` is ``file:line``
    when the finding lies in a file of rows and not in the manifest itself, else empty. Never holds a secret.
    """

    key: str
    message: str
    hint: str = ""
    severity: Literal["error", "warning"] = "error"
    place: str = ""

    def under(self, prefix: str) -> Finding:
        """The same finding with its key moved below ``prefix`` (``target`` + ``path`` -> ``target.path``)."""
        if not self.key:
            return replace(self, key=prefix)
        joint = "" if self.key.startswith("[") else "."
        return replace(self, key=f"{prefix}{joint}{self.key}")
