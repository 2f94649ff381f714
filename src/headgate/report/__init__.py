"""Reports: what happened, as data (``model``, ``build``) and as text, JSON and CSV (``render``).

Owns the shape of a report and its renderings. Refuses the engine's live state: it reads outlines and journals.
"""

from __future__ import annotations

from headgate.report.build import build, nothing_done
from headgate.report.model import SCHEMA, Failure, ItemResult, PairResult, Report
from headgate.report.rebuild import read_events, rebuild

__all__ = ["SCHEMA", "Failure", "ItemResult", "PairResult", "Report", "build", "nothing_done", "read_events", "rebuild"]
