"""What tells whether an effect happened when its answer was lost: one row for every request that changes the platform.

There is no idempotency key (facts 1.6, trap 66), so an effect whose answer was lost, or was a 5xx, may not simply be
sent again. The table says what is asked first, by what the effect is known there, how long a list is given to catch
up, how often the answers may be lost, and what happens when more than one thing may be it.

======================================  =========================  ==========  =====  ======  ==========================
effect                                  asked                      known by    looks  losses  several candidates
======================================  =========================  ==========  =====  ======  ==========================
POST /connections                       GET /connections           mark        5      5       listed; shared: the oldest
POST /sourceConnections                 GET /sourceConnections     mark        5      5       listed, none is taken
POST /targetConnections                 GET /targetConnections     mark        5      5       listed, none is taken
POST /flows                             GET /flows                 mark        5      5       listed, none is taken
POST /tenant/schemas                    GET /tenant/schemas        mark        5      5       listed, none is taken
POST /dataSets                          GET /dataSets              mark        5      5       listed, none is taken
POST /mappingSets                       GET /mappingSets           mark        5      5       listed, none is taken
PATCH /connections/{id}                 GET /connections/{id}      content     1      5       cannot be
PATCH /sourceConnections/{id}           GET /sourceConnections/..  content     1      5       cannot be
PATCH /targetConnections/{id}           GET /targetConnections/..  content     1      5       cannot be
PATCH /flows/{id}                       GET /flows/{id}            content     1      5       cannot be
POST /flows/{id}/action                 GET /flows/{id}            state       1      5       cannot be
POST /runs/{id}/action                  GET /runs                  newer run   5      5       listed, none is taken
POST /adhocrun                          GET /runs                  newer run   5      12      listed, none is taken
DELETE /flows/{id}                      GET /flows/{id}            absence     1      5       cannot be
DELETE /sourceConnections/{id}          GET /sourceConnections/..  absence     1      5       cannot be
DELETE /targetConnections/{id}          GET /targetConnections/..  absence     1      5       cannot be
DELETE /connections/{id}                GET /connections/{id}      absence     1      5       cannot be
DELETE /dataSets/{id}                   GET /dataSets/{id}         absence     1      5       cannot be
DELETE /tenant/schemas/{id}             GET /tenant/schemas/{id}   absence     1      5       cannot be
======================================  =========================  ==========  =====  ======  ==========================

* *mark*: the text ``[headgate:…]`` in the description (in the name of a mapping set; one whose name the platform
  dropped is known by its whole content). *content*: what was asked for stands in the object; where asking twice is
  not the same as once (a JSON Patch) an etag that moved without it is a conflict and not a reason to send it again.
  Credentials are never shown: they are sent again, which does no harm.
* A read of one object by its id tells at once; lists may lag behind (nothing is documented). So a list has to show
  nothing ``looks`` times, over 75 platform seconds, before the effect counts as not done. A platform whose lists lag
  longer than that could be made to hold an object twice: both bear the mark, and ``headgate sweep`` shows them.
* A run whose store knows nothing lists each collection once before it creates anything: that look alone does not wait
  for lists that lag.
* ``POST /adhocrun`` has a second witness: sent again, the platform names the run that is going on. After that it is
  not sent a third time.
* A connection that a sandbox has once (the profile store's) is the same whoever made it: the oldest serves all. Runs
  that share a state store make it one at a time, and each is told what became of it before.
* *losses*: requests in all whose answer may be lost before the job fails. It fails as "in doubt" where that is so,
  and the next run looks first.

Which room reads what: :mod:`create`, :mod:`delete` (what was in doubt), :mod:`converge`, :mod:`selectors`,
:mod:`flow_state`, :mod:`flow_retry` and :mod:`adhoc_runs` take their bounds from here.
"""

from __future__ import annotations

from enum import Enum
from typing import TYPE_CHECKING, Final

from headgate.classes import frozen
from headgate.exchange import Problem

if TYPE_CHECKING:
    from collections.abc import Mapping, Sequence


class By(Enum):
    """By what an effect is known to have happened."""

    MARK = "mark"
    CONTENT = "content"
    STATE = "state"
    RUN = "newer run"
    ABSENCE = "absence"


class Several(Enum):
    """What is done when more than one thing may be what was asked for."""

    LISTED = "listed, none is taken"
    OLDEST = "listed; shared: the oldest"
    CANNOT = "cannot be"


#: Platform seconds before the second look, doubled for each further one: 5, 10, 20, 40.
LOOK_AGAIN_S: Final = 5.0


@frozen
class Evidence:
    """One row. ``effect`` and ``asked`` are endpoints; ``looks`` and ``losses`` are counts, as in the table."""

    effect: str
    asked: str
    by: By
    looks: int = 1
    losses: int = 5
    several: Several = Several.CANNOT

    def wait(self, looks: int) -> float | None:
        """Platform seconds before the next look when ``looks`` (>= 1) showed nothing; ``None``: it did not happen."""
        return LOOK_AGAIN_S * 2.0 ** (looks - 1) if looks < self.looks else None

    @property
    def patience_s(self) -> float:
        """Platform seconds by which a list may lag behind without anything being made twice."""
        return LOOK_AGAIN_S * (2.0 ** (self.looks - 1) - 1)

    def candidates(self, name: str, what: str, found: Sequence[str]) -> Problem:
        """The failure of ``name`` because ``found`` (ids) may all be it. ``what`` says what they have in common."""
        return Problem(
            0,
            "headgate-two-candidates",
            f"{name}: {len(found)} objects {what}: {', '.join(found)}",
            advice="delete all but one of them, then run the manifest again; nothing was guessed",
        )


_LISTS: Final = 5


def _made(path: str, several: Several) -> Evidence:
    return Evidence(f"POST {path}", f"GET {path}", By.MARK, _LISTS, several=several)


def _one(effect: str, by: By) -> Evidence:
    """An effect on one object, of which the object itself tells."""
    return Evidence(effect, "GET " + effect.partition(" ")[2], by)


_ROWS: Final = (
    _made("/connections", Several.OLDEST),
    _made("/sourceConnections", Several.LISTED),
    _made("/targetConnections", Several.LISTED),
    _made("/flows", Several.LISTED),
    _made("/tenant/schemas", Several.LISTED),
    _made("/dataSets", Several.LISTED),
    _made("/mappingSets", Several.LISTED),
    _one("PATCH /connections/{id}", By.CONTENT),
    _one("PATCH /sourceConnections/{id}", By.CONTENT),
    _one("PATCH /targetConnections/{id}", By.CONTENT),
    _one("PATCH /flows/{id}", By.CONTENT),
    Evidence("POST /flows/{id}/action", "GET /flows/{id}", By.STATE),
    Evidence("POST /runs/{id}/action", "GET /runs", By.RUN, _LISTS, several=Several.LISTED),
    Evidence("POST /adhocrun", "GET /runs", By.RUN, _LISTS, losses=12, several=Several.LISTED),
    _one("DELETE /flows/{id}", By.ABSENCE),
    _one("DELETE /sourceConnections/{id}", By.ABSENCE),
    _one("DELETE /targetConnections/{id}", By.ABSENCE),
    _one("DELETE /connections/{id}", By.ABSENCE),
    _one("DELETE /dataSets/{id}", By.ABSENCE),
    _one("DELETE /tenant/schemas/{id}", By.ABSENCE),
)
#: The table, by effect. An effect without a row cannot be sent: its procedure asks here for its bounds.
EVIDENCE: Final[Mapping[str, Evidence]] = {row.effect: row for row in _ROWS}
