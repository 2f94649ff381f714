"""A report as JUnit XML, for what shows test results in CI.

One suite for each entry, one case for each of its rows, in manifest order. A row that failed is a failure with the
platform's words, its request id and the advice; one that was skipped, held or not exported is skipped, with the
reason. What failed without any row saying so, and the stop of the whole run, are cases of the suite ``run``: a run
that went wrong is never green.
"""

from __future__ import annotations

import re
from datetime import UTC, datetime
from typing import TYPE_CHECKING, Any, Final
from xml.etree.ElementTree import Element, SubElement, indent, tostring

if TYPE_CHECKING:
    from collections.abc import Iterator, Mapping

    from headgate.report.model import Report

#: What XML 1.0 cannot hold, not even escaped.
_NOT_XML: Final = re.compile("[^\t\n\r\x20-\ud7ff\ue000-\ufffd\U00010000-\U0010ffff]")
_GOOD: Final = frozenset({"created", "reused", "updated", "replaced", "deleted", "unchanged", "activated"})


def junit_text(report: Report) -> str:
    """The report as JUnit XML (the form of Jenkins' ``junit-10.xsd``)."""
    whole = Element("testsuites", name=_text(report.run_id or report.manifest), time=f"{report.wall_s:.3f}")
    began = datetime.fromtimestamp(report.started_at, UTC).replace(tzinfo=None).isoformat(timespec="seconds")
    suites: dict[str, Element] = {}
    for entry, name, outcome, error in _rows(report):
        suite = suites.get(entry)
        if suite is None:
            suite = suites[entry] = SubElement(whole, "testsuite", name=_text(entry), timestamp=began)
        case = SubElement(suite, "testcase", classname=_text(f"{report.manifest}.{entry}"), name=_text(name))
        _judge(case, outcome, error)
    for suite in suites.values():
        _count(suite, suite)
    _count(whole, whole)
    indent(whole)
    return f'<?xml version="1.0" encoding="UTF-8"?>\n{tostring(whole, encoding="unicode")}\n'


def _rows(report: Report) -> Iterator[tuple[str, str, str, Mapping[str, Any]]]:
    for item in report.items:
        yield item.entry, item.item, item.status, item.error or {"message": getattr(item, "reason", None) or ""}
    for pair in report.activations:
        error = {"message": pair.reason or "", "runId": pair.runId}
        yield pair.entry, f"{pair.destinationId} / {pair.segmentId}", pair.outcome, error
    shown = {item.error["job"] for item in report.items if item.status == "failed" and item.error}
    shared = [failure for failure in report.failures if not failure.item and failure.job not in shown]
    for failure in shared:
        yield "run", failure.job or "the run", "failed", _error(failure)
    if report.exit_code and (report.stop or not (shared or _failed(report))):
        yield "run", "the run", "stopped", {"message": report.stop or report.status, "advice": report.stop_hint}


def _failed(report: Report) -> bool:
    return any(row.status == "failed" for row in report.items) or any(
        row.outcome == "failed" for row in report.activations
    )


def _error(failure: Any) -> dict[str, Any]:
    return {name: getattr(failure, name) for name in ("status", "code", "message", "requestId", "advice")}


def _judge(case: Element, outcome: str, error: Mapping[str, Any]) -> None:
    message = str(error.get("message") or outcome)
    if outcome in _GOOD:
        return
    if outcome in ("failed", "stopped"):
        what = SubElement(case, "failure" if outcome == "failed" else "error", message=_text(message))
        what.set("type", _text(str(error.get("code") or outcome)))
        lines = [message]
        lines += [f"status: {error['status']}"] if error.get("status") else []
        lines += [f"request id: {error['requestId']}"] if error.get("requestId") else []
        lines += [f"run: {error['runId']}"] if error.get("runId") else []
        lines += [f"advice: {error['advice']}"] if error.get("advice") else []
        what.text = _text("\n".join(lines))
    else:
        because = f" (because of {error['cause']})" if error.get("cause") else ""
        SubElement(case, "skipped", message=_text(f"{outcome}: {message}{because}" if message != outcome else outcome))


def _count(element: Element, below: Element) -> None:
    for name, tag in (("tests", "testcase"), ("failures", "failure"), ("errors", "error"), ("skipped", "skipped")):
        element.set(name, str(sum(1 for _ in below.iter(tag))))


def _text(text: str) -> str:
    return _NOT_XML.sub("�", text)
