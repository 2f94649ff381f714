"""The entry kinds, one file each. :data:`GRAMMARS` is what :func:`headgate.manifest.load.load` is given."""

from __future__ import annotations

from typing import TYPE_CHECKING, Final

from headgate.late import Late

if TYPE_CHECKING:
    from collections.abc import Mapping

    from headgate.manifest.grammar import Grammar


def _grammar(kind: type[Grammar]) -> Grammar:
    return kind()


GRAMMARS: Final[Mapping[str, Grammar]] = Late(
    __name__,
    {
        "audience-export": "audience_export:AudienceExport",
        "dataset-export": "dataset_export:DatasetExport",
        "source-ingestion": "source_ingestion:SourceIngestion",
        "activation": "activation:Activation",
        "flow-update": "flow_update:FlowUpdate",
        "flow-action": "flow_action:FlowAction",
        "watch": "watch:Watch",
    },
    _grammar,
)
