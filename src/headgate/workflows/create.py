"""Create one object of Flow Service exactly once: POST, and after a lost answer look before posting again.

Look-up: the list of the same collection, filtered by name where the name can be written in a filter (else by
connection or flow spec), every page, and of those the ones that bear our marker. One found: adopt it. None: look
again after a while (lists may lag behind creations), then post again. Two or more: never guess, list them.
"""

from __future__ import annotations

from dataclasses import dataclass
from typing import TYPE_CHECKING, Any

from headgate.exchange import Answer, Call, Problem, Verdict
from headgate.workflows import converge
from headgate.workflows.contract import Ask, Context, Ending, Pause, Phase, Settle, Signal, Step, failed
from headgate.workflows.listing import listed
from headgate.workflows.reading import rows, text

if TYPE_CHECKING:
    from collections.abc import Mapping

#: Looks at the list before an object counts as not created, and the platform seconds between them.
LOOKS = 2
LOOK_AGAIN_S = 5.0
#: Times a POST may come back without a usable answer, the object not being there, before the object is given up.
#: Crashes are not counted: they say nothing of the object.
FAULTS = 5
#: In the output of a failed creation: the object surely does not exist.
ABSENT = "absent"


@dataclass(frozen=True, slots=True)
class CreateSpec:
    """One object to be. ``refs`` maps a body path (``baseConnectionId``) to the role whose id goes there.

    A path ending in ``[]`` takes the id as the only element of a list; a dotted path goes into an inner object.
    ``shared``: a sandbox has it once, whoever made it; of several the oldest serves all.
    """

    collection: str
    body: Mapping[str, Any]
    marker: str
    refs: tuple[tuple[str, str], ...] = ()
    shared: bool = False

    @property
    def name(self) -> str:
        """The object's name."""
        return str(self.body["name"])


def advance(ctx: Context, phase: Phase, signal: Signal | Answer) -> Step:
    """The procedure of a creation."""
    spec: CreateSpec = ctx.spec
    at = phase.get("at")
    if at in converge.PHASES:
        return converge.advance(spec, _body(ctx), phase, signal)
    if isinstance(signal, Answer):
        return _posted(signal, phase) if at == "post" else _looked(ctx, phase, signal)
    if signal is Signal.START:
        found = listed(ctx.inputs, spec.marker)
        return _adopted(ctx, [{"id": remote} for remote in found], 0) if found else _post(ctx, 1)
    faults = int(phase.get("faults", 0)) + (1 if signal is Signal.LOST else 0)
    return _look(spec, int(phase.get("look", 0)) + 1, posts=int(phase.get("posts", 0)), faults=faults)


def _post(ctx: Context, posts: int, faults: int = 0) -> Step:
    spec: CreateSpec = ctx.spec
    if faults >= FAULTS:
        said = f"{spec.name}: not created: {faults} requests came back without a usable answer, and it is not there"
        return _absent(Problem(0, "headgate-not-created", said, advice="look at the platform's status, then run again"))
    body = _body(ctx)
    call = Call("POST", "flow", f"/{spec.collection}", f"POST /{spec.collection}", "create", body=body)
    return Ask(call, {"at": "post", "posts": posts, "faults": faults})


def _body(ctx: Context) -> dict[str, Any]:
    """The whole body, the ids of what it refers to filled in."""
    body = dict(ctx.spec.body)
    for path, role in ctx.spec.refs:
        _put(body, path, ctx.inputs[role]["id"])
    return body


def _put(body: dict[str, Any], path: str, value: str) -> None:
    *outer, last = path.split(".")
    for name in outer:
        body[name] = dict(body.get(name, {}))
        body = body[name]
    if last.endswith("[]"):
        body[last[:-2]] = [value]
    else:
        body[last] = value


def _posted(answer: Answer, phase: Phase) -> Step:
    if answer.verdict is not Verdict.OK:
        return _absent(answer.problem or Problem(answer.status, "", "refused without a reason"))
    body = answer.body if isinstance(answer.body, dict) else {}
    remote = body.get("id")
    if not isinstance(remote, str) or not remote:
        # A success without an id: the object exists, the list knows which.
        return Pause(0.0, "the answer named no id: looking it up", {**phase, "look": 0})
    return Settle(Ending.SUCCEEDED, {"id": remote, "etag": body.get("etag"), "posts": phase.get("posts", 1)})


def _absent(problem: Problem) -> Settle:
    """A failure that leaves nothing in doubt: the object does not exist."""
    return Settle(Ending.FAILED, {ABSENT: True}, problem)


def _look(spec: CreateSpec, look: int, *, posts: int = 1, faults: int = 0) -> Ask:
    call = Call(
        "GET",
        "flow",
        f"/{spec.collection}",
        f"GET /{spec.collection}",
        "lookup",
        query=(("property", look_up_filter(spec)), ("limit", "100")),
        paged=True,
    )
    return Ask(call, {"at": "look", "look": look, "posts": posts, "faults": faults})


def look_up_filter(spec: CreateSpec) -> str:
    """The narrowest filter that surely finds the object.

    A comma in a filter value means OR, quotes delimit (facts 2.4) and blanks around it may be trimmed, so such names
    fall back to the spec id.
    """
    if spec.name and spec.name == spec.name.strip() and not any(char in spec.name for char in ',"\\'):
        return f"name=={spec.name}"
    if spec.collection == "flows":
        return "inheritedAttributes.properties.isDestinationFlow==true"
    return f"connectionSpec.id=={spec.body['connectionSpec']['id']}"


def _looked(ctx: Context, phase: Phase, answer: Answer) -> Step:
    spec: CreateSpec = ctx.spec
    if answer.verdict is not Verdict.OK:
        return failed(answer.problem)
    found = [
        item
        for item in rows(answer.body, "items")
        if spec.marker in text(item.get("description")) and text(item.get("id"))
    ]
    posts, look = int(phase["posts"]), int(phase["look"])
    if found:
        return _adopted(ctx, found, posts)
    if look < LOOKS:
        return Pause(LOOK_AGAIN_S, "looking again before creating it a second time", phase)
    return _post(ctx, posts + 1, int(phase.get("faults", 0)))


def _adopted(ctx: Context, found: list[dict[str, Any]], posts: int) -> Step:
    """What bears the mark is ours; two of them are a doubt that only a person can end. ``posts``: sent so far."""
    spec: CreateSpec = ctx.spec
    if spec.shared:
        # What a sandbox has once is the same whoever made it: of two made at one moment, the older serves all.
        found = sorted(found, key=lambda item: (str(item.get("createdAt")), str(item["id"])))[:1]
    if len(found) == 1:
        if not posts:
            # Made by an earlier run, perhaps from other content: it is compared.
            return converge.advance(spec, _body(ctx), converge.begin(str(found[0]["id"])), Signal.RESUME)
        output = {"id": found[0]["id"], "found": "after", "posts": posts}
        if found[0].get("etag"):
            output["etag"] = found[0]["etag"]
        return Settle(Ending.SUCCEEDED, output)
    ids = ", ".join(str(item.get("id")) for item in found)
    return Settle(
        Ending.FAILED,
        {"candidates": ids},
        Problem(
            0,
            "headgate-two-candidates",
            f"{spec.name}: {len(found)} objects bear the marker {spec.marker}: {ids}",
            advice="delete all but one of them, then run the manifest again; nothing was guessed",
        ),
    )
