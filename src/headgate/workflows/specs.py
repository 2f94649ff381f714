"""What jobs of a compiled manifest are made from, and how each comes back from a kept plan."""

from __future__ import annotations

from functools import cache
from typing import TYPE_CHECKING, Any, Final

from headgate.planning.rebuild import Rebuild, rebuilder
from headgate.workflows.check import CheckSpec
from headgate.workflows.create import CreateSpec
from headgate.workflows.dataset_check import DatasetCheckSpec
from headgate.workflows.dataset_source import SelectedSource
from headgate.workflows.datasets import DatasetListSpec
from headgate.workflows.find import FindSpec
from headgate.workflows.listing import ListSpec
from headgate.workflows.selectors import SelectorsSpec

if TYPE_CHECKING:
    from collections.abc import Mapping

#: Every type that a compiler of :mod:`headgate.workflows.compile` gives a job; all other specs are plain JSON.
SPECS: Final[tuple[type[Any], ...]] = (
    CheckSpec,
    CreateSpec,
    DatasetCheckSpec,
    DatasetListSpec,
    FindSpec,
    ListSpec,
    SelectedSource,
    SelectorsSpec,
)


@cache
def types() -> Mapping[str, Rebuild]:
    """From the JSON of a spec to the spec, by the name of its type."""
    return {of.__name__: rebuilder(of) for of in SPECS}
