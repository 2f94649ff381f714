"""JSON pointers (RFC 6901): read, written, and which parts of a flow they must keep away from. Pure."""

from __future__ import annotations

import re
from typing import TYPE_CHECKING, Final

if TYPE_CHECKING:
    from collections.abc import Iterable, Mapping

_BAD_ESCAPE = re.compile(r"~(?![01])")

#: Parts of a flow that no PATCH reaches, and why (facts 2.3, 2.6, 2.7).
READ_ONLY: Final[Mapping[str, str]] = {
    **dict.fromkeys(
        ("id", "etag", "version", "createdAt", "updatedAt", "createdBy", "updatedBy", "createdClient", "updatedClient"),
        "the platform sets it",
    ),
    **dict.fromkeys(("sandboxId", "sandboxName", "imsOrgId"), "a flow stays where it is"),
    **dict.fromkeys(("lastOperation", "lastRunDetails", "runs"), "the platform sets it"),
    "inheritedAttributes": "it follows from the connections",
    "flowSpec": "a flow keeps its flow spec; make a new flow",
    "state": "use an entry of kind flow-action (enable, disable)",
}
#: Parts of a flow that can be changed, as far as they are documented (facts 2.2, 2.3, 11.2).
CHANGEABLE: Final = (
    "name",
    "description",
    "scheduleParams",
    "transformations",
    "sourceConnectionIds",
    "targetConnectionIds",
    "optionSpec",
)


def steps_of(pointer: str) -> tuple[str, ...]:
    """The steps of ``pointer``, unescaped; none for the whole document.

    Raises:
        ValueError: it is no pointer; the message says why.
    """
    if not pointer:
        return ()
    if not pointer.startswith("/"):
        raise ValueError("a JSON pointer begins with '/'")
    if _BAD_ESCAPE.search(pointer):
        raise ValueError("'~' stands for itself only as '~0' ('~1' is a slash)")
    return tuple(step.replace("~1", "/").replace("~0", "~") for step in pointer[1:].split("/"))


def pointer_of(steps: Iterable[str | int]) -> str:
    """The pointer that leads along ``steps``."""
    return "".join("/" + str(step).replace("~", "~0").replace("/", "~1") for step in steps)


def index_of(step: str) -> int | None:
    """The list index ``step`` stands for (no sign, no leading zero), or ``None``."""
    return int(step) if step.isascii() and step.isdigit() and (step == "0" or step[0] != "0") else None
