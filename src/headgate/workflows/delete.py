"""Delete one object and wait until it is gone. Safe to repeat: what is not there any more has been deleted.

A deletion is answered by 202 or 204 (trap 4) and may be asynchronous, so that only a GET answered by 404 says that it
is done. After a lost answer the same GET tells; if the object is still there, the deletion is asked for again. What
was in doubt (asked for, and the answer never understood) is looked up by its mark first. How often each of it is done
is a row of :mod:`headgate.workflows.evidence`.

What a sandbox has once is deleted by whoever holds its mark, as it is made: no run makes it while it is going.
"""

from __future__ import annotations

from typing import Any, Final

from headgate.classes import frozen
from headgate.exchange import Answer, Call, Problem, Verdict
from headgate.workflows.collections import COLLECTIONS, Collection
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
from headgate.workflows.listing import PAGES, repeats, signature
from headgate.workflows.reading import part, rows, text
from headgate.workflows.selectors import BUSY_CODES, BUSY_S, LOOKS

#: In an output: the object exists no more; or why it was left alone.
GONE: Final = "gone"
KEPT: Final = "kept"
#: Looks at an object whose deletion was accepted, and the platform seconds between them: a quarter of an hour.
POLLS: Final = 45
_FIRST_S, _FACTOR, _CAP_S = 1.0, 1.5, 30.0
#: Times the platform may call something used that nothing uses any more: it may notice late.
IN_USE: Final = 10
#: Objects that may bear one and the same mark.
TWINS: Final = 10

_USED = frozenset({"1418-400", "1447-400"})
#: It cannot be changed now: 412 aside, the busy states, and a connection that is neither enabled nor disabled (1416).
_BUSY = BUSY_CODES | {"1416-400"}
#: It is being deleted already: a look tells when it is gone.
_LOOK = frozenset({"1458-400"})
#: "The requested … resource is not found", which is said to come as a 400 too (trap 54).
_NOT_THERE = "1439-400"
_ENDING_STATES = ("delete-finalizing", "deleting", "deleted")


@frozen
class DeleteSpec:
    """What is to go. Without an ``id`` it is what ``marker`` (and ``name``) lead to, however many they are.

    ``shared``: a sandbox has it once; it is left alone, and that is no failure, while anything uses it.
    """

    collection: str
    id: str
    name: str = ""
    marker: str = ""
    shared: bool = False

    @classmethod
    def of(cls, spec: Any) -> DeleteSpec:
        """``spec`` itself, or the one that a mapping ``{"collection": …, "id": …}`` of a child job says."""
        if isinstance(spec, cls):
            return spec
        given = {key: str(spec.get(key, "")) for key in ("collection", "id", "name", "marker")}
        return cls(**given, shared=bool(spec.get("shared", False)))


def advance(ctx: Context, phase: Phase, signal: Signal | Answer) -> Step:
    """The procedure of a deletion. Its output has ``id``, ``gone`` or (why) ``kept``, and a ``status``."""
    spec = DeleteSpec.of(ctx.spec)
    where = COLLECTIONS.get(spec.collection)
    if where is None:
        return failed(None, f"{spec.collection}: headgate cannot delete there", code="headgate-delete")
    if spec.shared and spec.marker and not ctx.granted:
        return Claim((spec.marker,), phase)
    if not spec.id and ctx.known is not None and ctx.known[0]:
        why = "another run has made it since, or found it"
        return Settle(Ending.SUCCEEDED, {"id": ctx.known[0], KEPT: why, "status": "unchanged"})
    return _Deletion(ctx, spec, where, phase).step(signal)


def keys(spec: Any, phase: Phase) -> tuple[str, ...]:
    """The mark of what a sandbox has once, for as long as it is being deleted."""
    one = DeleteSpec.of(spec)
    return (one.marker,) if phase and one.shared and one.marker else ()


def denied(spec: Any, by: str) -> str:
    """Why a deletion waits for another run."""
    return f"{by} is at work on {DeleteSpec.of(spec).name or 'it'}"


PROCEDURE = Procedure(advance, keys, denied=denied)


class _Deletion:
    """One step of one deletion. ``phase`` is never changed, only followed by another."""

    def __init__(self, ctx: Context, spec: DeleteSpec, where: Collection, phase: Phase) -> None:
        self.ctx, self.spec, self.where, self.phase = ctx, spec, where, phase
        self.id = spec.id or text(phase.get("id"))

    def step(self, signal: Signal | Answer) -> Step:
        at = self.phase.get("at")
        if isinstance(signal, Answer):
            read = {"find": self._found, "users": self._judged, "delete": self._deleted, "look": self._looked}
            return read[str(at)](signal)
        match at:
            case "delete":  # it may have left
                return self._look(sent=False, faults=self._count("faults") + (1 if signal is Signal.LOST else 0))
            case "look":
                return self._look(sent=bool(self.phase.get("sent")), faults=self._count("faults"))
            case "users":
                return self._ask_users(self._count("which"))
            case "busy":
                return self._delete()
            case "find":
                return self._find()
            case _:
                return self._begin()

    def _count(self, name: str) -> int:
        return int(self.phase.get(name, 0))

    def _next(self, at: str, **changes: Any) -> Phase:
        return {**self.phase, "at": at, **changes}

    def _begin(self) -> Step:
        if not self.id:
            return self._find()
        return self._ask_users(0) if self.where.users else self._delete()

    @property
    def evidence(self) -> Evidence:
        """What tells whether it was deleted."""
        return EVIDENCE[f"DELETE {self.where.path}/{{id}}"]

    def _call(self, method: Any, endpoint: str, purpose: Any) -> Call:
        path = f"{self.where.path}/{self.where.address(self.id)}"
        return Call(method, self.where.service, path, endpoint, purpose, headers=self.where.headers)

    # -- what was in doubt -------------------------------------------------------------------------------------------

    def _find(self, cursor: str = "") -> Step:
        spec, to = self.spec, DIALECTS.get(self.spec.collection)
        if not spec.marker or to is None:
            return failed(
                None,
                f"{spec.name or spec.collection}: whether it was made is not known, and it cannot be looked up",
                code="headgate-in-doubt",
                advice="look for it by its name; if it is there, delete it by hand",
            )
        query = to.sought(spec.name, cursor)
        asked = EVIDENCE[f"POST {self.where.path}"].asked
        call = Call("GET", to.service, to.path, asked, "lookup", query=query, headers=to.listed_with, paged=to.paged)
        return Ask(call, self._next("find", id="", cursor=cursor))

    def _found(self, answer: Answer) -> Step:
        to, name = DIALECTS[self.spec.collection], self.spec.name or self.spec.collection
        if answer.verdict is not Verdict.OK:
            return failed(answer.problem, _said(answer))
        seen = to.seen(answer.body)
        if seen is None:
            return failed(None, f"the list of {self.spec.collection} cannot be read", code="headgate-list")
        done = [str(one) for one in self.phase.get("done", ())]
        found = [str(one) for one in self.phase.get("found", ())]
        found += [one.id for one in seen if self.spec.marker in one.marked and one.id not in found]
        cursor, pages = str(self.phase.get("cursor", "")), self._count("pages") + 1
        following = "" if to.paged else to.after(answer.body, cursor)
        page = signature([one.id for one in seen])
        again = following == cursor or repeats(self.phase, page, following)
        if following and (again or pages >= PAGES):
            return failed(None, f"the list of {self.spec.collection} does not end", code="headgate-list")
        if following:
            self.phase = {**self.phase, "found": found, "pages": pages, "page": page}
            return self._find(following)
        self.phase = {
            key: value for key, value in self.phase.items() if key not in ("found", "pages", "cursor", "page")
        }
        left = [remote for remote in found if remote not in done]
        if left and len(done) < TWINS:
            self.phase = {"done": done, "id": left[0]}
            self.id = left[0]
            return self._begin()
        if left:
            return failed(None, f"{name}: more than {TWINS} objects bear its marker", code="headgate-list")
        finds = self._count("finds") + 1
        again_s = None if done else EVIDENCE[f"POST {self.where.path}"].wait(finds)
        if again_s is not None:
            return Pause(again_s, "looking again for what may have been made", self._next("find", finds=finds))
        return Settle(Ending.SUCCEEDED, _gone_as(done[-1] if done else ""))

    # -- who uses it -------------------------------------------------------------------------------------------------

    def _ask_users(self, which: int) -> Step:
        collection, field = self.where.users[which]
        path = COLLECTIONS[collection].path
        query = (("property", f"{field}=={self.id}"), ("limit", "100"))
        call = Call("GET", self.where.service, path, f"GET {path}", "lookup", query=query)
        return Ask(call, self._next("users", id=self.id, which=which))

    def _judged(self, answer: Answer) -> Step:
        which, looks = self._count("which"), self._count("looks")
        collection, field = self.where.users[which]
        if answer.verdict is not Verdict.OK:
            return self._kept(f"nobody could say what uses it: {_said(answer)}", answer.problem)
        if not isinstance(part(answer.body).get("items"), list):
            return self._kept("nobody could say what uses it", Problem(answer.status, "headgate-list", "no items"))
        gone = {str(given.get("id")) for given in self.ctx.inputs.values() if given.get(GONE)}
        late = False
        for item in rows(answer.body, "items"):
            # A filter that was taken for a projection lets everything through (trap 18).
            if self.id not in (item.get(field), part(item, "inheritedAttributes", "baseConnection").get("id")):
                continue
            if text(item.get("id")) not in gone:
                name = text(item.get("name"))
                said = f"{COLLECTIONS[collection].one} {item.get('id')}{f' ({name})' if name else ''} uses it"
                return self._kept(said, None)
            late = True
        if late and looks < IN_USE:
            return Pause(BUSY_S, "waiting until the lists show what was deleted", self._next("users", looks=looks + 1))
        if which + 1 < len(self.where.users):
            self.phase = {**self.phase, "looks": 0}
            return self._ask_users(which + 1)
        return self._delete()

    def _kept(self, why: str, problem: Problem | None) -> Step:
        if self.spec.shared:
            return Settle(Ending.SUCCEEDED, {"id": self.id, KEPT: why, "status": "unchanged"})
        return failed(
            problem,
            f"{self.where.one} {self.spec.name or self.id} was not deleted: {why}",
            code="headgate-in-use",
            advice="delete what uses it, or leave it; then destroy again",
        )

    # -- the deletion ------------------------------------------------------------------------------------------------

    def _delete(self, faults: int | None = None) -> Step:
        phase = self._next("delete", id=self.id, faults=self._count("faults") if faults is None else faults)
        return Ask(self._call("DELETE", self.evidence.effect, "write"), phase)

    def _deleted(self, answer: Answer) -> Step:
        if answer.verdict is Verdict.OK:
            return self._look(sent=True)
        if is_gone(answer):
            return self._gone()
        code = answer.problem.code if answer.problem is not None else ""
        if code in _LOOK:
            return self._look(sent=True)
        if code in _USED:
            if self._count("used") < IN_USE:
                return Pause(BUSY_S, f"{self.spec.name or self.id} is still used", self._again("used"))
            return self._kept(_said(answer), answer.problem)
        if (code in _BUSY or answer.status == 412) and self._count("busy") < LOOKS:
            return Pause(BUSY_S, "what is to be deleted is being changed", self._again("busy"))
        return failed(answer.problem, _said(answer))

    def _again(self, counter: str) -> Phase:
        return self._next("busy", **{counter: self._count(counter) + 1})

    def _look(self, *, sent: bool, faults: int = 0) -> Step:
        return Ask(
            self._call("GET", self.evidence.asked, "poll"), self._next("look", id=self.id, sent=sent, faults=faults)
        )

    def _looked(self, answer: Answer) -> Step:
        if is_gone(answer):
            return self._gone()
        code = answer.problem.code if answer.problem is not None else ""
        if answer.verdict is not Verdict.OK and code not in _LOOK:
            return failed(answer.problem, _said(answer))
        found = rows(answer.body, "items")
        state = text((found[0] if found else part(answer.body)).get("state"))
        polls, faults = self._count("polls"), self._count("faults")
        if self.phase.get("sent") or state in _ENDING_STATES:
            if polls + 1 >= POLLS:
                return failed(
                    None,
                    f"{self.where.one} {self.spec.name or self.id}: its deletion was accepted, but it is still there",
                    code="headgate-not-gone",
                    advice="look at it on the platform, then destroy again",
                )
            seconds = min(_CAP_S, _FIRST_S * _FACTOR ** min(polls, 20))
            return Pause(seconds, "being deleted by the platform", self._next("look", sent=True, polls=polls + 1))
        if faults >= self.evidence.losses:
            return failed(
                None,
                f"{self.where.one} {self.spec.name or self.id}: not deleted: {faults} requests came back without a "
                "usable answer, and it is still there",
                code="headgate-not-deleted",
                advice="look at the platform's status, then destroy again",
            )
        return self._delete(faults)

    def _gone(self) -> Step:
        if self.spec.id:
            return Settle(Ending.SUCCEEDED, _gone_as(self.id))
        # What was in doubt may have been made twice by a platform that answers neither time.
        self.phase = {"done": [*self.phase.get("done", ()), self.id]}
        self.id = ""
        return self._find()


def _gone_as(remote: str) -> dict[str, Any]:
    return {"id": remote, GONE: True, "status": "deleted"}


def is_gone(answer: Answer) -> bool:
    """Whether the platform says that there is no such object; a proxy's page is not the platform."""
    if answer.verdict is not Verdict.REJECTED:
        return False
    code, message = (answer.problem.code, answer.problem.message) if answer.problem is not None else ("", "")
    return code == _NOT_THERE or (answer.status == 404 and not message.startswith("a web page"))


def _said(answer: Answer) -> str:
    return answer.problem.message if answer.problem is not None else f"status {answer.status}"
