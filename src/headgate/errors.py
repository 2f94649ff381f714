"""The whole error tree. Imports nothing, so every room may use it.

    HeadgateError                     exit 70 (our bug) unless a subclass says otherwise
    ├─ UsageError                     exit 2   nothing was sent
    │   ├─ ManifestError(problems)             every problem of a manifest, gathered
    │   ├─ SettingsError(key, layer)           a setting that cannot be used
    │   └─ StalePlan(expected, found)          a saved plan no longer matches its manifest
    ├─ PlatformError                  exit 3   the platform refused us or cannot be reached
    ├─ StoreError                     exit 4   the state store is locked, broken or too new
    │   ├─ StoreBusy
    │   ├─ StoreMissing
    │   └─ SchemaMismatch
    └─ InternalError                  exit 70
        └─ InvalidTransition

A failed *job* is never an exception: it is an outcome in the report (exit 1), as is a stop by ``--tolerate`` or
``--finish-by`` (exit 5) and an interruption (exit 130).
"""

from __future__ import annotations

from dataclasses import dataclass


@dataclass(frozen=True, slots=True, order=True)
class Diagnostic:
    """One problem a person can mend: where it is, what is wrong, what to do.

    ``line`` is 1-based; 0 means the file as a whole. ``key`` is a dotted path such as ``entries[3].target.path``.
    """

    file: str
    line: int
    key: str
    message: str
    hint: str = ""

    def __str__(self) -> str:
        place = f"{self.file}:{self.line}" if self.line else self.file
        text = f"{place}: {self.key}: {self.message}" if self.key else f"{place}: {self.message}"
        return f"{text}\n  hint: {self.hint}" if self.hint else text


class HeadgateError(Exception):
    """Root of all our errors. ``hint`` is printed on a line of its own."""

    exit_code = 70

    def __init__(self, message: str, *, hint: str = "") -> None:
        super().__init__(message)
        self.message = message
        self.hint = hint


class UsageError(HeadgateError):
    """Asked for something that cannot be done. Nothing was sent."""

    exit_code = 2


class ManifestError(UsageError):
    """Every problem found in a manifest, in one pass, ordered by file and line."""

    def __init__(self, problems: tuple[Diagnostic, ...]) -> None:
        self.problems = tuple(sorted(problems))
        count = len(self.problems)
        super().__init__(f"{count} problem{'s' if count != 1 else ''} in the manifest; nothing was sent")

    def __str__(self) -> str:
        return "\n".join([*map(str, self.problems), self.message])


class SettingsError(UsageError):
    """A setting cannot be used. ``layer`` says where it came from: default, file, environment or flag.

    ``place`` says it more exactly: ``headgate.yaml:12``, or the name of a variable.
    """

    def __init__(self, key: str, layer: str, message: str, *, hint: str = "", place: str = "") -> None:
        super().__init__(f"setting {key} ({place or layer}): {message}", hint=hint)
        self.key = key
        self.layer = layer


class StalePlan(UsageError):
    """A saved plan or an unfinished run no longer matches its manifest (fingerprints differ)."""

    def __init__(self, message: str, *, expected: str, found: str, hint: str = "") -> None:
        super().__init__(message, hint=hint)
        self.expected = expected
        self.found = found


class PlatformError(HeadgateError):
    """The platform refused us as a whole (credentials, host) or cannot be reached."""

    exit_code = 3


class StoreError(HeadgateError):
    """The state store cannot be used."""

    exit_code = 4


class StoreBusy(StoreError):
    """Somebody else holds the run."""


class StoreMissing(StoreError):
    """There is no state store there yet."""


class SchemaMismatch(StoreError):
    """The store was written by a newer program."""


class InternalError(HeadgateError):
    """Our bug; please report."""


class InvalidTransition(InternalError):
    """A job was asked to go where it cannot go."""
