"""The published OpenAPI files as judges: what of one exchange do they not say, or say otherwise.

The files are OpenAPI 3.0 and Swagger 2.0 without ``nullable`` or ``discriminator``; the part of JSON Schema that both
use is draft 4 (``exclusiveMinimum`` is a boolean there), so that is what judges the bodies.
"""

from __future__ import annotations

import re
from dataclasses import dataclass
from pathlib import Path
from typing import TYPE_CHECKING, Any, NamedTuple

import yaml
from jsonschema import Draft4Validator
from referencing import Registry, Resource
from referencing.exceptions import Unresolvable
from referencing.jsonschema import DRAFT4

from tests.contract.openapi.words import joined, keys_of, unnamed, words

if TYPE_CHECKING:
    from collections.abc import Iterable

_METHODS = ("get", "post", "put", "patch", "delete")


class Difference(NamedTuple):
    """``spec``: file without its ending; ``where``: ``request body``, ``query``, ``200 body`` …; ``what``: in words."""

    spec: str
    endpoint: str
    where: str
    what: str


@dataclass(frozen=True)
class Operation:
    """One method of one path."""

    spec: Spec
    method: str
    template: str
    path: re.Pattern[str]
    common: list[Any]
    raw: dict[str, Any]

    @property
    def endpoint(self) -> str:
        """``GET /flows/{id}``: every parameter is called ``{id}``, as the two files of Flow Service differ in that."""
        return f"{self.method.upper()} {re.sub('{[^}]*}', '{id}', self.template).rstrip('/')}"


class Spec:
    """One file."""

    def __init__(self, path: Path) -> None:
        self.name = path.stem
        self.document: dict[str, Any] = yaml.load(path.read_bytes(), Loader=yaml.CSafeLoader)
        self._uri = f"urn:{self.name}"
        resource = Resource(contents=self.document, specification=DRAFT4)
        # With the schemas themselves, so that no other can take the place in memory that is their name here.
        self._validators: dict[int, tuple[Any, Draft4Validator]] = {}
        self._registry = Registry().with_resource(self._uri, resource)
        if "swagger" in self.document:
            self.base = str(self.document["basePath"])
        else:
            server = self.document["servers"][0]["url"]
            self.base = "/" + server.partition("//")[2].partition("/")[2]
        self.operations = [
            Operation(self, method, template, _pattern(template), item.get("parameters", []), item[method])
            for template, item in self.document["paths"].items()
            for method in _METHODS
            if method in item
        ]

    def find(self, method: str, path: str) -> Operation | None:
        """The operation of a whole path: one without parameters first."""
        if not path.startswith(self.base + "/"):
            return None
        rest = path[len(self.base) :]
        found = [each for each in self.operations if each.method == method.lower() and each.path.fullmatch(rest)]
        return min(found, key=lambda each: each.template.count("{"), default=None)

    def resolved(self, value: Any) -> Any:
        """``value``, or what its ``$ref`` leads to; nothing if that is not there."""
        while isinstance(value, dict) and "$ref" in value:
            pointer = value["$ref"].removeprefix("#/").split("/")
            value = self.document
            for step in pointer:
                value = value.get(step.replace("~1", "/").replace("~0", "~"), {})
        return value

    def judge(self, schema: Any, value: Any, examples: Iterable[Any] = ()) -> list[str]:
        """How ``value`` breaks ``schema`` (one of this document), and which of its keys the document does not know.

        Many schemas name a part of what is sent: a key that a published example has in the same place is known too.
        """
        known = {each for example in examples for each in keys_of(example)}
        try:
            lines = [line for error in self._validator(schema).iter_errors(value) for line in words(error)]
        except Unresolvable as error:
            return [f"the file refers to {error.ref.rpartition('/')[2]}, which it does not have"]
        for at, key in unnamed(self, [schema], value):
            if (at, key) not in known:
                lines.append(f"{at.lstrip('.') or 'body'}: key {key!r} is not in the spec")
        return joined(lines)

    def _validator(self, schema: Any) -> Draft4Validator:
        found = self._validators.get(id(schema))
        if found is None:
            found = schema, Draft4Validator(_rooted(schema, self._uri), registry=self._registry)
            self._validators[id(schema)] = found
        return found[1]


def _rooted(schema: Any, uri: str) -> Any:
    """``schema`` with the references of its own document made absolute; those of what it refers to stay."""
    if isinstance(schema, dict):
        return {
            key: uri + value if key == "$ref" and isinstance(value, str) and value[:1] == "#" else _rooted(value, uri)
            for key, value in schema.items()
        }
    return [_rooted(each, uri) for each in schema] if isinstance(schema, list) else schema


def _pattern(template: str) -> re.Pattern[str]:
    parts = re.split(r"{[^}]*}", template.rstrip("/"))
    return re.compile("[^/]+".join(re.escape(part) for part in parts) + "/?")
