"""What a job is made from, as a line of JSON without secrets: for a plan that is kept, and for one that is packed."""

from __future__ import annotations

from typing import TYPE_CHECKING, Any, Final

import orjson

from headgate.secret import Secret

if TYPE_CHECKING:
    from headgate.planning.model import Job

#: Jobs packed together: the more, the smaller the whole, and the dearer one of them.
CHUNK: Final = 64
#: Stands for the type of a spec that is not written.
HIDDEN: Final = "secret"
#: A secret shorter than this is found everywhere by accident; with more of them than this, nobody looks for them all.
_TELLING, _FEW = 8, 64


class Secrets:
    """The secrets that were met while lines were written."""

    def __init__(self) -> None:
        self.met = False
        self._values: set[bytes] = set()

    def __call__(self, value: Any) -> None:
        """Stands for a secret in JSON: as nothing. Refuses anything else that is not JSON."""
        if not isinstance(value, Secret):
            raise TypeError(type(value).__name__)
        self.met = True
        found = value.reveal()
        if isinstance(found, str) and len(found) >= _TELLING and len(self._values) <= _FEW:
            self._values.add(orjson.dumps(found)[1:-1])

    def __len__(self) -> int:
        """How many were met."""
        return len(self._values)

    def absent(self, *texts: bytes) -> bool:
        """Whether none of them stands in ``texts``; not known where there are many."""
        return len(self._values) <= _FEW and not any(value in text for value in self._values for text in texts)


def line(job: Job, secrets: Secrets) -> bytes:
    """The job's collection, its digest, the type of its spec and the spec; ``secrets.met`` says that it has some.

    Raises:
        orjson.JSONEncodeError: JSON cannot say it.
    """
    name = "" if isinstance(job.spec, dict) else type(job.spec).__name__
    secrets.met = False
    written = orjson.dumps([job.collection, job.digest, name, job.spec], secrets, orjson.OPT_APPEND_NEWLINE)
    return hidden(job) if secrets.met else written


def hidden(job: Job) -> bytes:
    """The line of a job whose spec is not written."""
    return orjson.dumps([job.collection, job.digest, HIDDEN, None], option=orjson.OPT_APPEND_NEWLINE)
