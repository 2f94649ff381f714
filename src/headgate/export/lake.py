"""Schemas and datasets of ingestions: made again where headgate made them, else named by an id that can be given.

A schema bears more than an entry can say (identities, its part in a profile), and a dataset may be fed by others. So
only what bears headgate's mark, and is still what an entry can say, is written as something to be made. All else is
used as it is: its id becomes a variable of the manifest, because another sandbox has another id for the same thing.
"""

from __future__ import annotations

import re
from collections.abc import Mapping
from typing import TYPE_CHECKING, Any, Final

from headgate.export.words import escaped, is_marked, unmarked

if TYPE_CHECKING:
    from headgate.export.live import Live

#: Where classes and field groups live that are the same in every sandbox.
_GLOBAL: Final = "https://ns.adobe.com/xdm/"
#: What a reference of a schema may say besides.
_REFERENCE: Final = frozenset({"$ref", "type", "meta:xdmType"})
_WORD: Final = re.compile(r"[^a-z0-9]+")


class Lake:
    """What the entries of one manifest say of schemas and datasets."""

    def __init__(self, live: Live) -> None:
        self._live = live
        #: Variables of the manifest: the ids here of what is used as it is, and what they are.
        self.variables: dict[str, str] = {}
        self.given: dict[str, str] = {}
        self._names: dict[str, str] = {}
        self._keys: dict[str, str] = {}

    def wishes(self, schema: str, dataset: str) -> tuple[dict[str, Any], dict[str, Any]] | str:
        """``schema`` and ``dataset`` of an entry, ready to be written, from their ids; or why there are none."""
        found = self._live.datasets.get(dataset)
        of = _mapping(found.get("schemaRef")).get("id") if found else None
        if of is not None and of != schema:
            return f"its dataset {dataset} is of another schema than its target connection says"
        if found is None or not _ours(found) or not isinstance(found.get("name"), str):
            why = "not made by headgate" if found else self._live.unread.get("dataSets", "not in Catalog's list")
            given = {"id": self._variable("dataset", dataset, str((found or {}).get("name") or dataset), why)}
            return self._by_id(schema, "that of a dataset which is used as it is"), given
        named = {"name": self._dataset_name(dataset, str(found["name"]))}
        return self._schema(schema), escaped({**named, **_description(found)})

    def _schema(self, remote: str) -> dict[str, Any]:
        found = self._live.schemas.get(remote)
        if found is None:
            return self._by_id(remote, self._live.unread.get("schemas", "not in the registry's list"))
        if not _ours(found):
            return self._by_id(remote, "not made by headgate")
        refs = _refs(found)
        if refs is None or not isinstance(found.get("title"), str):
            return self._by_id(remote, "it has parts that no entry can say, such as field groups of this sandbox")
        wish: dict[str, Any] = {"title": found["title"], "class": found["meta:class"]}
        if groups := [ref for ref in refs if ref != found["meta:class"]]:
            wish["fieldGroups"] = groups
        made: dict[str, Any] = escaped({**wish, **_description(found)})
        return made

    def _by_id(self, remote: str, why: str) -> dict[str, Any]:
        title = str(self._live.schemas.get(remote, {}).get("title") or remote.rpartition("/")[2])
        return {"id": self._variable("schema", remote, title, why)}

    def _variable(self, what: str, remote: str, name: str, why: str) -> str:
        key = self._keys.get(remote)
        if key is None:
            stem = key = f"{what}-{_WORD.sub('-', name.lower()).strip('-') or 'id'}"
            number = 1
            while key in self.variables:
                number += 1
                key = f"{stem}-{number}"
            self._keys[remote] = key
            self.variables[key], self.given[key] = remote, f"{what} '{name}': {why}"
        return f"${{vars.{key}}}"

    def _dataset_name(self, remote: str, name: str) -> str:
        """Names of datasets need not be unique on the platform, but entries that say one name mean one dataset."""
        if self._names.setdefault(name, remote) != remote:
            name = f"{name} ({remote[-8:]})"
            self._names[name] = remote
        return name


def _ours(thing: Mapping[str, Any]) -> bool:
    return is_marked(str(thing.get("description") or ""))


def _description(thing: Mapping[str, Any]) -> dict[str, str]:
    text = unmarked(str(thing.get("description") or ""))
    return {"description": text} if text else {}


def _refs(schema: Mapping[str, Any]) -> list[str] | None:
    """What the schema is put together from, if that is all it is: its class, and field groups of every sandbox."""
    rows = schema.get("allOf")
    if not isinstance(rows, list) or schema.get("properties") or schema.get("definitions"):
        return None
    refs: list[str] = []
    for row in rows:
        ref = row.get("$ref") if isinstance(row, Mapping) and row.keys() <= _REFERENCE else None
        if not isinstance(ref, str) or not ref.startswith(_GLOBAL):
            return None
        refs.append(ref)
    return refs if schema.get("meta:class") in refs else None


def _mapping(value: Any) -> Mapping[str, Any]:
    return value if isinstance(value, Mapping) else {}
