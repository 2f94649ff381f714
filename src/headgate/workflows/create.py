"""Create one object exactly once: POST, and after a lost answer look before posting again.

Look-up: the list of the same collection, narrowed by name where the name can be written in a filter, every page, and
of those the ones that bear our marker. One found: adopt it. None: look again, several times (lists may lag behind
creations), then post again. Two or more: never guess, list them. How often and how long is a row of
:mod:`headgate.workflows.evidence`; what each service calls a list, a page and a creation's answer is
:mod:`headgate.workflows.dialects`' business.

What a sandbox has once is made by whoever holds its mark, of all runs that share a state store. With the mark comes
what the store knows: that it is there (then nothing is asked), that a holder who died may have made it (then it is
looked for as after a lost answer), or nothing. That nothing was listed says little: it may have been made since.
"""

from __future__ import annotations

from functools import cache
from typing import TYPE_CHECKING, Any

from headgate.classes import frozen
from headgate.exchange import Answer, Call, Problem, Verdict
from headgate.workflows import converge
from headgate.workflows.contract import (
    Ask,
    Claim,
    Context,
    Ending,
    Pause,
    Phase,
    Procedure,
    Settle,
    Signal,
    Step,
    failed,
)
from headgate.workflows.dialects import DIALECTS
from headgate.workflows.evidence import EVIDENCE, Evidence
from headgate.workflows.listing import PAGES, listed, repeats, signature

if TYPE_CHECKING:
    from collections.abc import Mapping

#: What a look-up remembers from one look to the next: why the name is taken, and which object exists no more.
_KEPT = ("taken", converge.GONE)
#: In the output of a failed creation: the object surely does not exist.
ABSENT = "absent"
#: The phase in which the mark is asked for, before anything was sent.
_CLAIMED = "claimed"


@frozen
class CreateSpec:
    """One object to be. ``collection`` is a key of ``DIALECTS``; the marker stands in the body already.

    ``refs`` maps a body path (``baseConnectionId``) to the role whose id goes there. A dotted path goes into inner
    objects, a number in it into a list, and a path ending in ``[]`` takes the id as the only element of a list.
    ``role.field`` takes another field than the id of the role's output, and leaves the body alone where it has none.
    ``shared``: a sandbox has it once, whoever made it; of several the oldest serves all.
    ``filter`` finds the object in the list of Flow Service where its name cannot be filtered by.
    Not frozen: that triples the cost of making one, and there are many. Nobody changes it.
    """

    collection: str
    body: Mapping[str, Any]
    marker: str
    refs: tuple[tuple[str, str], ...] = ()
    shared: bool = False
    filter: str = ""

    @property
    def name(self) -> str:
        """The object's name."""
        return str(self.body[DIALECTS[self.collection].name_field])


def advance(ctx: Context, phase: Phase, signal: Signal | Answer) -> Step:
    """The procedure of a creation."""
    spec: CreateSpec = ctx.spec
    at = phase.get("at")
    if at in converge.PHASES:
        return converge.advance(spec, whole_body(ctx), phase, signal)
    if isinstance(signal, Answer):
        return _posted(ctx, signal, phase) if at == "post" else _looked(ctx, phase, signal)
    if signal is Signal.START:
        found = listed(ctx.inputs, spec.marker)
        if found:
            return _adopted(ctx, [[remote, "", ""] for remote in found], 0)
    if spec.shared and not ctx.granted:
        return Claim((spec.marker,), {"at": _CLAIMED} if signal is Signal.START else phase)
    if signal is Signal.START or (at == _CLAIMED and ctx.known is None):
        return _post(ctx, 1)
    faults = int(phase.get("faults", 0)) + (1 if signal is Signal.LOST else 0)
    return _look(spec, int(phase.get("look", 0)) + 1, int(phase.get("posts", 0)), faults, _kept(phase))


def keys(spec: Any, phase: Phase) -> tuple[str, ...]:
    """The mark, from before anything is sent until the object is there or given up, where a sandbox has it once."""
    making = phase and phase.get("at") not in converge.PHASES
    return (spec.marker,) if making and spec.shared else ()


def denied(spec: Any, by: str) -> str:
    """Why a creation waits for another run."""
    return f"{by} is at work on {spec.name}"


PROCEDURE = Procedure(advance, keys, denied=denied)


@cache
def evidence_of(collection: str) -> Evidence:
    """What tells whether an object of ``collection`` was made."""
    return EVIDENCE[f"POST {DIALECTS[collection].path}"]


def _kept(phase: Phase) -> Phase:
    return {key: phase[key] for key in _KEPT if key in phase}


def replacing(remote: str) -> Phase:
    """The phase of a creation whose object is to take the place of ``remote``, which bears its mark still.

    It is looked up first: an earlier run may have made it.
    """
    return {"at": "look", converge.GONE: remote}


def _post(ctx: Context, posts: int, faults: int = 0, kept: Phase | None = None) -> Step:
    spec: CreateSpec = ctx.spec
    evidence = evidence_of(spec.collection)
    # Crashes are not counted: they say nothing of the object.
    if faults >= evidence.losses:
        said = f"{spec.name}: not created: {faults} requests came back without a usable answer, and it is not there"
        return _absent(Problem(0, "headgate-not-created", said, advice="look at the platform's status, then run again"))
    to = DIALECTS[spec.collection]
    call = Call("POST", to.service, to.path, evidence.effect, "create", query=to.created_with, body=whole_body(ctx))
    phase = {"at": "post", "posts": posts, "faults": faults}
    return Ask(call, {**phase, **kept} if kept else phase)


def whole_body(ctx: Context) -> dict[str, Any]:
    """The body as it is sent: the plan's own, with what its references refer to."""
    body = dict(ctx.spec.body)
    for path, reference in ctx.spec.refs:
        role, _, field = reference.partition(".")
        value = ctx.inputs[role].get(field or "id")
        if value is not None:
            _put(body, path, str(value))
    return body


def _put(body: Any, path: str, value: str) -> None:
    last = path
    if "." in path:
        *outer, last = path.split(".")
        for name in outer:
            at: Any = int(name) if isinstance(body, list) else name
            inner = body[at] if isinstance(body, list) else body.get(at, {})
            body[at] = list(inner) if isinstance(inner, (list, tuple)) else dict(inner)
            body = body[at]
    if last.endswith("[]"):
        body[last[:-2]] = [value]
    else:
        body[last] = value


def _posted(ctx: Context, answer: Answer, phase: Phase) -> Step:
    to, posts = DIALECTS[ctx.spec.collection], phase.get("posts", 1)
    if answer.verdict is not Verdict.OK:
        problem = answer.problem or Problem(answer.status, "", "refused without a reason")
        if problem.code in to.taken:
            # It may be our own that has the name: the list it was looked up in may have lagged behind.
            said = [problem.status, problem.code, problem.message, problem.request_id, problem.advice]
            return _look(ctx.spec, 1, posts, int(phase.get("faults", 0)), {**_kept(phase), "taken": said})
        return _absent(problem)
    made = to.made(answer.body)
    if not made:
        # A success without an id: the object exists, the list knows which.
        # (That may be said for ever, so it counts as an answer that was lost.)
        faults = int(phase.get("faults", 0)) + 1
        return Pause(0.0, "the answer named no id: looking it up", {**phase, "look": 0, "faults": faults})
    return Settle(Ending.SUCCEEDED, {**made, "posts": posts})


def _absent(problem: Problem) -> Settle:
    """A failure that leaves nothing in doubt: the object does not exist."""
    return Settle(Ending.FAILED, {ABSENT: True}, problem)


def _look(spec: CreateSpec, look: int, posts: int, faults: int, kept: Phase) -> Ask:
    return _page(spec, {"at": "look", "look": look, "posts": posts, "faults": faults, **kept})


def _page(spec: CreateSpec, phase: Phase) -> Ask:
    to = DIALECTS[spec.collection]
    call = Call(
        "GET",
        to.service,
        to.path,
        evidence_of(spec.collection).asked,
        "lookup",
        query=to.narrowed(spec.name, spec.body, spec.filter, str(phase.get("cursor", ""))),
        headers=to.listed_with,
        paged=to.paged,
    )
    return Ask(call, phase)


def _looked(ctx: Context, phase: Phase, answer: Answer) -> Step:
    spec: CreateSpec = ctx.spec
    to = DIALECTS[spec.collection]
    if answer.verdict is not Verdict.OK:
        return failed(answer.problem)
    seen = to.seen(answer.body)
    if seen is None and not to.paged:
        # (The transport has refused to follow such a list where it is the one that follows.)
        return failed(None, f"the list of {to.name} cannot be read", code="headgate-list")
    sent = whole_body(ctx)
    # Marked ones, and those that no mark tells but that can be nothing else.
    found = [list(phase.get("found", ())), list(phase.get("alike", ()))]
    for one in seen or ():
        kind = 0 if spec.marker in one.marked else 1 if to.alike(sent, one) else None
        if kind is not None and one.id != phase.get(converge.GONE) and all(one.id != row[0] for row in found[kind]):
            found[kind].append([one.id, one.created, one.etag])
    cursor, pages = str(phase.get("cursor", "")), int(phase.get("pages", 1))
    following = "" if to.paged or seen is None else to.after(answer.body, cursor)
    page = signature([one.id for one in seen or ()])
    if following and (following == cursor or pages >= PAGES or repeats(phase, page, following)):
        return failed(None, f"the list of {to.name} does not end", code="headgate-list")
    if following:
        more = {"found": found[0], "alike": found[1], "cursor": following, "pages": pages + 1, "page": page}
        return _page(spec, {**phase, **more})
    posts, look = int(phase["posts"]), int(phase["look"])
    if found[0] or found[1]:
        return _adopted(ctx, found[0] or found[1], posts)
    kept = {key: value for key, value in phase.items() if key in ("at", "look", "posts", "faults", *_KEPT)}
    again_s = evidence_of(spec.collection).wait(look)
    if again_s is not None:
        return Pause(again_s, "looking again before creating it a second time", kept)
    if phase.get("taken"):
        problem = Problem(*phase["taken"])
        # Its name is taken. By nobody we know; after a lost answer perhaps by our own, which the list does not show.
        return failed(problem) if posts > 1 or int(phase.get("faults", 0)) else _absent(problem)
    return _post(ctx, posts + 1, int(phase.get("faults", 0)), _kept(phase))


def _adopted(ctx: Context, found: list[list[str]], posts: int) -> Step:
    """What bears the mark is ours; two of them are a doubt that only a person can end. ``posts``: sent so far.

    ``found`` has rows of id, age and etag.
    """
    spec: CreateSpec = ctx.spec
    if spec.shared:
        # What a sandbox has once is the same whoever made it: of two made at one moment, the older serves all.
        found = sorted(found, key=lambda row: (row[1], row[0]))[:1]
    if len(found) == 1:
        remote, _, etag = found[0]
        if not posts and converge.can(spec):
            # Made by an earlier run, perhaps from other content: it is compared.
            return converge.advance(spec, whole_body(ctx), converge.begin(remote), Signal.RESUME)
        output = {"id": remote, "found": "after" if posts else "before", "posts": posts}
        return Settle(Ending.SUCCEEDED, {**output, "etag": etag} if etag else output)
    ids = [remote for remote, _, _ in found]
    problem = evidence_of(spec.collection).candidates(spec.name, f"bear the marker {spec.marker}", ids)
    return Settle(Ending.FAILED, {"candidates": ", ".join(ids)}, problem)
