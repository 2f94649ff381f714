"""What a process that does not drive a run may ask of the one that does, through a store they share."""

from __future__ import annotations

from typing import TYPE_CHECKING, Final

from headgate.errors import StoreError

if TYPE_CHECKING:
    from headgate.store.holder import Holder

#: Seconds between two looks at what is asked, and between two words of how a run stands, at least.
LOOK_S: Final = 1.0
TELL_S: Final = 1.0


def nobody(run_id: str) -> StoreError:
    """What to say to who asks something of a run that nobody drives."""
    return StoreError(f"nobody drives run {run_id}; nothing was asked", hint=f"headgate resume {run_id}")


def left_for(holder: Holder) -> str:
    """What to say to who has asked."""
    return f"asked of {holder}, which looks every second"
