"""What a model says of the rows of an entry: asked once for all rows that are alike to it."""

from __future__ import annotations

import types
import typing
from typing import TYPE_CHECKING, Any, Final

from pydantic import BaseModel

from headgate.manifest.schema_errors import schema_findings
from headgate.manifest.template import leaves

if TYPE_CHECKING:
    from collections.abc import Sequence

    from headgate.catalogue import Finding
    from headgate.manifest.keys import Path

#: Rows of so many kinds are known at once.
_KNOWN: Final = 256
_PLAIN: Final = (int, float, bool, types.NoneType)

Said = tuple["list[Finding]", "set[Path]"]


class Verdicts:
    """The model's word on each row of one entry.

    Two rows are alike when the values that come from them are equal, or are texts where to the model any text is as
    good as another: the columns of a CSV file, mostly.
    """

    def __init__(self, model: type[BaseModel], common: Sequence[str], template: Any, apart: Sequence[str]) -> None:
        """``template`` is the compiled entry, ``apart`` are the keys in it that are not the model's."""
        self._model, self._common = model, common
        found = leaves(template)
        self._leaves = (
            None
            if found is None
            else [(path, any_text(model, path)) for path in found if path and path[0] not in apart]
        )
        self._known: dict[tuple[Any, ...], Said] = {}

    def of(self, body: dict[str, Any]) -> Said:
        """What :func:`schema_findings` says of ``body``. Not to be changed."""
        sign = self._sign(body)
        found = self._known.get(sign) if sign is not None else None
        if found is None:
            found = schema_findings(self._model, body, self._common)
            if sign is not None:
                if len(self._known) >= _KNOWN:
                    self._known.clear()
                self._known[sign] = found
        return found

    def _sign(self, body: dict[str, Any]) -> tuple[Any, ...] | None:
        """Equal for rows that are alike; ``None`` for one that is not compared with others."""
        if self._leaves is None:
            return None
        sign: list[Any] = []
        for path, any_text_will_do in self._leaves:
            value: Any = body
            for part in path:
                value = value[part]
            if isinstance(value, str):
                sign.append(None if any_text_will_do and value else value)
            elif isinstance(value, _PLAIN):
                sign.append((type(value), value))
            else:
                return None
        return tuple(sign)


def any_text(of: Any, path: Path) -> bool:
    """Whether a model says the same of every text at ``path`` that is not empty, be it right or wrong there.

    Args:
        of: The model, or the annotation of a field of one. Models have no validators of their own.
        path: From there.
    """
    if isinstance(of, type) and issubclass(of, BaseModel):
        if not path:
            return True
        field = next((field for name, field in of.model_fields.items() if path[0] == (field.alias or name)), None)
        if field is None:
            return True  # whatever it is, the key is wrong, or nothing is asked of it
        # No more is asked of a text than that it is not empty: no pattern, no function.
        return all(getattr(said, "min_length", 0) == 1 for said in field.metadata) and any_text(
            field.annotation, path[1:]
        )
    origin, args = typing.get_origin(of), [arg for arg in typing.get_args(of) if arg is not types.NoneType]
    if origin in (typing.Union, types.UnionType):
        return len(args) == 1 and any_text(args[0], path)
    if origin in (dict, list):
        return not path or any_text(args[-1], path[1:])
    return of in (str, typing.Any)
