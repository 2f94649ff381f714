"""Saved plans: ``headgate plan --out FILE``, ``headgate run FILE``.

A saved plan holds no jobs: it names its manifest and how that was asked for, and the fingerprint of what was planned.
Running it plans anew and refuses when the fingerprints differ, so what was looked at is what is done, and no secret
is ever in the file.
"""

from __future__ import annotations

import os
from collections.abc import Mapping
from dataclasses import field
from pathlib import Path
from typing import Any, Final

import orjson

from headgate.classes import frozen
from headgate.errors import StalePlan, UsageError

SCHEMA: Final = "headgate.plan/1"
_HEAD = 4096


@frozen
class SavedPlan:
    """What a saved plan asks for. ``path`` is the manifest's; ``asked`` has ``set``, ``select`` and ``tags``."""

    file: Path
    path: Path
    sandbox: str
    fingerprint: str
    asked: Mapping[str, Any] = field(default_factory=dict)

    def check(self, fingerprint: str) -> None:
        """Refuse if what would be done now is not what was planned.

        Raises:
            StalePlan: the manifest, a file it names, or a variable has changed.
        """
        if fingerprint != self.fingerprint:
            raise StalePlan(
                f"{self.file}: {self.path} has changed since this plan was saved; nothing was sent",
                expected=self.fingerprint,
                found=fingerprint,
                hint=f"look at it again: headgate plan {self.path} --out {self.file}",
            )


def is_saved_plan(path: Path) -> bool:
    """Whether ``path`` is a saved plan and not a manifest; ``False`` for what cannot be read."""
    try:
        with path.open("rb") as file:
            head = file.read(_HEAD).lstrip()
    except OSError:
        return False
    return head.startswith(b"{") and f'"{SCHEMA}"'.encode() in head


def written(path: Path, content: Mapping[str, Any]) -> bytes:
    """The bytes of a saved plan at ``path``. ``content["path"]`` becomes relative to it, so both can move together."""
    manifest = Path(str(content["path"])).absolute()
    try:
        relative = os.path.relpath(manifest, path.absolute().parent)
    except ValueError:  # another drive
        relative = str(manifest)
    return orjson.dumps({"schema": SCHEMA, **content, "path": relative}, option=orjson.OPT_INDENT_2) + b"\n"


def read(path: Path) -> SavedPlan:
    """A saved plan.

    Raises:
        UsageError: it cannot be read, or is not one.
    """
    try:
        data = orjson.loads(path.read_bytes())
        asked = data["asked"]
        manifest = (path.parent / data["path"]).resolve()
        here = Path.cwd()
        return SavedPlan(
            path,
            manifest.relative_to(here) if manifest.is_relative_to(here) else manifest,
            str(data["sandbox"]),
            str(data["fingerprint"]),
            dict(asked),
        )
    except OSError as error:
        raise UsageError(
            f"{path}: cannot be read: {error.strerror}; nothing was sent",
            hint="a plan that `headgate plan --out` saved",
        ) from error
    except (ValueError, KeyError, TypeError) as error:
        raise UsageError(
            f"{path}: not a plan saved by `headgate plan --out`; nothing was sent",
            hint="save it again: headgate plan MANIFEST --out FILE",
        ) from error
