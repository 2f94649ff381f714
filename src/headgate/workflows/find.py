"""Look one id up: a flow spec by its name, or the latest profile export job for ad-hoc version 1."""

from __future__ import annotations

from typing import Any, Literal

from headgate.classes import frozen
from headgate.exchange import Answer, Call, Verdict
from headgate.workflows.contract import Ask, Context, Ending, Phase, Settle, Signal, Step, failed
from headgate.workflows.reading import part, rows

PROFILE_SCHEMA = "_xdm.context.profile"


@frozen
class FindSpec:
    """``what``: ``flow-spec`` (``name`` is the spec's name, facts 6.1) or ``export-job`` (facts 5.1)."""

    what: Literal["flow-spec", "export-job"]
    name: str = ""


def advance(ctx: Context, phase: Phase, signal: Signal | Answer) -> Step:
    """The procedure of a look-up: one list, one pick."""
    spec: FindSpec = ctx.spec
    if isinstance(signal, Answer):
        if signal.verdict is not Verdict.OK:
            return failed(signal.problem)
        return _flow_spec(spec, signal.body) if spec.what == "flow-spec" else _export_job(signal.body)
    if spec.what == "flow-spec":
        call = Call(
            "GET",
            "flow",
            "/flowSpecs",
            "GET /flowSpecs",
            "lookup",
            query=(("property", f"name=={spec.name}"),),
            paged=True,
        )
    else:
        call = Call(
            "GET",
            "segmentation",
            "/export/jobs",
            "GET /export/jobs",
            "lookup",
            query=(("limit", "100"), ("status", "SUCCEEDED")),
        )
    return Ask(call, phase)


def _flow_spec(spec: FindSpec, body: Any) -> Step:
    ids = [str(item["id"]) for item in rows(body, "items") if item.get("name") == spec.name and item.get("id")]
    if len(ids) != 1:
        return failed(
            None,
            f"flow spec {spec.name!r}: {len(ids)} found, one expected",
            advice="check that the destination is available in this organisation (GET /flowSpecs)",
        )
    return Settle(Ending.SUCCEEDED, {"id": ids[0]})


def _export_job(body: Any) -> Step:
    # Newest first; the id is a number and v1 wants strings (trap 13). Docs do not ask for the status; an export that
    # has not succeeded has nothing to activate (facts 5.1).
    for record in rows(body, "records"):
        named = part(record, "schema").get("name") == PROFILE_SCHEMA
        if named and record.get("status") == "SUCCEEDED" and record.get("id"):
            return Settle(Ending.SUCCEEDED, {"id": str(record["id"])})
    return failed(
        None,
        "no finished profile export job was found",
        advice="wait for the daily audience export, or use apiVersion: 2, which needs none",
    )
