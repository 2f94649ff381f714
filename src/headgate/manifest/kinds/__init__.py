"""The entry kinds, one file each. :data:`GRAMMARS` is what :func:`headgate.manifest.load.load` is given."""

from __future__ import annotations

from typing import TYPE_CHECKING, Final

from headgate.manifest.kinds.activation import Activation
from headgate.manifest.kinds.audience_export import AudienceExport
from headgate.manifest.kinds.dataset_export import DatasetExport
from headgate.manifest.kinds.flow_action import FlowAction
from headgate.manifest.kinds.flow_update import FlowUpdate
from headgate.manifest.kinds.source_ingestion import SourceIngestion
from headgate.manifest.kinds.watch import Watch

if TYPE_CHECKING:
    from collections.abc import Mapping

    from headgate.manifest.grammar import Grammar

GRAMMARS: Final[Mapping[str, Grammar]] = {
    "audience-export": AudienceExport(),
    "dataset-export": DatasetExport(),
    "source-ingestion": SourceIngestion(),
    "activation": Activation(),
    "flow-update": FlowUpdate(),
    "flow-action": FlowAction(),
    "watch": Watch(),
}
