"""How checks speak to people: the nearest known word, and lists of choices."""

from __future__ import annotations

from typing import TYPE_CHECKING

if TYPE_CHECKING:
    from collections.abc import Iterable


def nearest(word: str, known: Iterable[str]) -> str | None:
    """The known word a person most likely meant, or ``None`` when none is near. Case does not count."""
    from difflib import get_close_matches  # for mistakes alone

    folded = {name.casefold(): name for name in known}
    close = get_close_matches(word.casefold(), folded, n=1, cutoff=0.6)
    return folded[close[0]] if close else None


def suggestion(word: str, known: Iterable[str], *, noun: str = "known", most: int = 12) -> str:
    """A hint for an unknown word: the nearest known one, else the known ones (at most ``most``)."""
    names = list(known)
    near = nearest(word, names)
    if near is not None:
        return f"did you mean '{near}'?"
    if not names:
        return ""
    shown = ", ".join(names[:most])
    return f"{noun}: {shown}{', …' if len(names) > most else ''}"


def either(names: Iterable[str]) -> str:
    """``A, B or C``."""
    *head, last = names
    return f"{', '.join(head)} or {last}" if head else last


def clipped(value: object, most: int = 60) -> str:
    """``value`` as text for a message, cut when long."""
    text = str(value)
    return text if len(text) <= most else f"{text[: most - 1]}…"
