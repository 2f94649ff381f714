"""headgate: plan and run bulk work on Adobe Experience Platform, each change settled exactly once.

The command line is a thin shell over what stands here::

    manifest = headgate.load("nightly.yaml")
    plan = headgate.plan(manifest)
    report = await headgate.run(plan, profile=headgate.Profile.load(), on_event=print)

Names are looked up on first use, so that importing the package costs nothing.
"""

from __future__ import annotations

from importlib import import_module
from typing import TYPE_CHECKING, Any

from headgate.version import __version__ as __version__

if TYPE_CHECKING:
    from headgate.api import load, plan, run
    from headgate.errors import (
        Diagnostic,
        HeadgateError,
        InternalError,
        ManifestError,
        PlatformError,
        SettingsError,
        StalePlan,
        StoreBusy,
        StoreError,
        UsageError,
    )
    from headgate.loadtest.conduct import load_test
    from headgate.loadtest.result import LoadResult
    from headgate.manifest.model import Manifest
    from headgate.planning.model import Plan
    from headgate.report.model import Failure, ItemResult, PairResult, Report
    from headgate.secret import Secret
    from headgate.settings import Profile

_HOMES = {
    "load": "headgate.api",
    "load_test": "headgate.loadtest.conduct",
    "plan": "headgate.api",
    "plan_destroy": "headgate.api",
    "plan_retry": "headgate.api",
    "run": "headgate.api",
    "Diagnostic": "headgate.errors",
    "HeadgateError": "headgate.errors",
    "InternalError": "headgate.errors",
    "ManifestError": "headgate.errors",
    "PlatformError": "headgate.errors",
    "SettingsError": "headgate.errors",
    "StalePlan": "headgate.errors",
    "StoreBusy": "headgate.errors",
    "StoreError": "headgate.errors",
    "UsageError": "headgate.errors",
    "Manifest": "headgate.manifest.model",
    "Plan": "headgate.planning.model",
    "LoadResult": "headgate.loadtest.result",
    "Failure": "headgate.report.model",
    "ItemResult": "headgate.report.model",
    "PairResult": "headgate.report.model",
    "Report": "headgate.report.model",
    "Secret": "headgate.secret",
    "Profile": "headgate.settings",
}

__all__ = [
    "Diagnostic",
    "Failure",
    "HeadgateError",
    "InternalError",
    "ItemResult",
    "LoadResult",
    "Manifest",
    "ManifestError",
    "PairResult",
    "Plan",
    "PlatformError",
    "Profile",
    "Report",
    "Secret",
    "SettingsError",
    "StalePlan",
    "StoreBusy",
    "StoreError",
    "UsageError",
    "load",
    "load_test",
    "plan",
    "plan_destroy",
    "plan_retry",
    "run",
]


def __getattr__(name: str) -> Any:
    home = _HOMES.get(name)
    if home is None:
        raise AttributeError(f"module 'headgate' has no attribute {name!r}")
    value = getattr(import_module(home), name)
    globals()[name] = value
    return value


def __dir__() -> list[str]:
    return sorted({*globals(), *__all__})
