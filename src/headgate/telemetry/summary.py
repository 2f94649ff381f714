"""What a run came to, for a webhook: ``text`` for any, ``blocks`` for Slack. Pure."""

from __future__ import annotations

from collections import Counter
from collections.abc import Mapping, Sequence
from typing import TYPE_CHECKING, Any, Final

from headgate.report.render_causes import causes_of
from headgate.report.render_table import clip, plural, seconds

if TYPE_CHECKING:
    from headgate.report.model import Report

_MOST_CAUSES: Final = 3
_MOST_TEXT: Final = 2_800  # Slack takes 3,000 in a block
_HEADER: Final = 140  # and 150 in a header
_WORDS: Final[Mapping[str, str]] = {
    "succeeded": "has succeeded",
    "failed": "has failures",
    "stopped": "was stopped",
    "interrupted": "was interrupted",
}


def payload(report: Report, notes: Sequence[str] = ()) -> dict[str, Any]:
    """The JSON to post. ``notes`` say what to do next, with the command."""
    title = f"{report.manifest} {_WORDS.get(report.status, report.status)} in sandbox {report.sandbox}"
    lines = list(_lines(report))
    causes = list(_causes(report))
    text = "\n".join([title, *lines, *causes, *notes])
    blocks: list[dict[str, Any]] = [
        {"type": "header", "text": {"type": "plain_text", "text": clip(title, _HEADER)}},
        _section("\n".join(lines)),
    ]
    if causes:
        blocks.append(_section("\n".join(causes)))
    if notes:
        blocks.append(_section("\n".join(notes)))
    if report.run_id:
        blocks.append({"type": "context", "elements": [{"type": "mrkdwn", "text": _escaped(f"run {report.run_id}")}]})
    return {"text": _escaped(clip(text, _MOST_TEXT * 4)), "blocks": blocks}


def _lines(report: Report) -> list[str]:
    found = []
    if report.stop:
        found.append(f"stopped: {report.stop}")
    if report.items:
        found.append(f"{plural(len(report.items), 'item')}: {_spelled(row.status for row in report.items)}")
    if report.activations:
        rows = report.activations
        found.append(f"{plural(len(rows), 'pair')}: {_spelled(row.outcome for row in rows)}")
    sent = report.requests["sent"]
    found.append(f"{plural(sent, 'request')} in {seconds(report.wall_s)}, {report.requests['throttled']:,} throttled")
    return found


def _spelled(words: Any) -> str:
    return ", ".join(f"{count:,} {word}" for word, count in Counter(words).most_common())


def _causes(report: Report) -> list[str]:
    causes = causes_of(report)
    found = []
    for cause in causes[:_MOST_CAUSES]:
        what = " ".join(part for part in (str(cause.status) if cause.status else "", cause.code) if part)
        advice = f" ({cause.advice})" if cause.advice else ""
        found.append(f"{cause.count:,} × {f'{what}: ' if what else ''}{clip(cause.message, 300)}{advice}")
    if len(causes) > _MOST_CAUSES:
        found.append(f"… and {plural(len(causes) - _MOST_CAUSES, 'more cause')}")
    return found


def _section(text: str) -> dict[str, Any]:
    return {"type": "section", "text": {"type": "mrkdwn", "text": _escaped(clip(text, _MOST_TEXT))}}


def _escaped(text: str) -> str:
    """Slack's own three characters; what a name holds is no link and no mention."""
    return text.replace("&", "&amp;").replace("<", "&lt;").replace(">", "&gt;")
