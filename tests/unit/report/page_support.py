"""A run with hostile names, as a story: for the page and for the browser."""

from __future__ import annotations

from headgate.engine.tally import Tally
from headgate.exchange import Answer, Call, Verdict
from headgate.report import Failure, ItemResult, PairResult, Report
from headgate.report.polling import polling
from headgate.report.story import JobTime, Story

HOSTILE = "<img src=x onerror=alert(1)></script><script>alert(2)</script>"
ROLES = ("sourceConnection", "targetConnection", "flow", "selectors", "check")
CAUSES = (
    (400, "1100-400", "access to bucket 'acme' is denied", "the organisation is not entitled to it"),
    (403, "2120-403", f"no permission in {HOSTILE}", "ask an administrator"),
)


def story(items=40, *, every=10, seed=0):
    """``items`` items of five jobs each, every so many of them failed, of two causes; an activation of each."""
    jobs, rows, failures, pairs, tally = [], [], [], [], Tally()
    tally.begin(1_800_000_000.0)
    tally.ceiling.set(0.0, 50.0)
    for n in range(items):
        bad = n % every == every - 1
        name = f"Loyalty {n}" if n != every - 1 else HOSTILE
        at = n / 10
        for step, role in enumerate(ROLES):
            ending = "failed" if bad and step == 2 else "skipped" if bad and step > 2 else "succeeded"
            times = (None, None) if ending == "skipped" else (at + step, at + step + 0.3)
            jobs.append(JobTime(f"{role}:{name}", "create", role, n, ending, *times))
            if ending != "skipped":
                throttled = n % 7 == 0 and step == 1
                answer = Answer(Verdict.THROTTLED if throttled else Verdict.OK, 201, elapsed_s=0.2 + step / 10)
                tally.answered(Call("POST", "flow", "/flows", f"POST /{role}s", "create"), answer, at + step)
        ids = {
            "sourceConnection": f"{n:08d}-9b20-4440-82d0-08833990d505",
            "flow": f"{n:08d}-cafe-4440-82d0-08833990d505",
        }
        error = None
        if bad:
            status, code, message, advice = CAUSES[n // every % 2]
            failures.append(Failure(name, f"flow:{name}", status, code, message, f"request-{n}", advice))
            error = {"job": f"flow:{name}", "message": message, "requestId": f"request-{n}", "advice": advice}
        rows.append(ItemResult("Loyalty ${row.n}", name, "failed" if bad else "created", ids if not bad else {}, error))
        outcome = "skipped" if bad else "activated"
        reason = f"flow:{name} failed" if bad else None
        pairs.append(PairResult("now", ids["flow"], "=audience", outcome, None if bad else 1, None if bad else "run-1",
                                None if bad else "success", 0 if bad else 1, reason))  # fmt: skip
    jobs.append(JobTime("adhoc:now:1", "adhoc", "adhoc", -1, "succeeded", items / 10, items / 10 + 5))
    totals = {
        "items": items,
        "jobs": len(jobs),
        "succeeded": 0,
        "failed": len(failures),
        "skipped": 0,
        "reused": 0,
        "held": 0,
    }
    requests = {
        "sent": tally.sent,
        "throttled": tally.throttled,
        "retried": 0,
        "polls": 0,
        "byEndpoint": dict(tally.by_endpoint),
        **polling({"runs": items, "polls": items, "sent": tally.sent, "lags": {"2.5": items}}),
    }
    wall = items / 10 + 6
    report = Report(
        "spring-1",
        "spring",
        "dev",
        "failed",
        1.8e9,
        1.8e9 + wall,
        wall,
        totals,
        requests,
        rows,
        pairs,
        failures,
        forecast_s=wall / 2,
    )
    return Story(report, jobs, tally.as_dict(wall))
