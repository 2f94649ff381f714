"""The grammar of manifests as JSON Schema (2020-12), for editors and for ``headgate help manifest``.

Rendered from what the loader itself reads: the models of the kinds, the keys of the outer parts, the tables of the
catalogue. Whatever the loader accepts, the schema accepts; what only a look at several places can tell (an unknown
connection, a pair that is not mapped, a reference that leads nowhere) is left to ``headgate validate``.
"""

from __future__ import annotations

from collections.abc import Mapping
from typing import TYPE_CHECKING, Any, Final

from pydantic.json_schema import GenerateJsonSchema

from headgate.catalogue import batch_keys, source_keys
from headgate.catalogue import form as forms
from headgate.catalogue.dataset_export import dataset_keys
from headgate.catalogue.source import Source
from headgate.manifest import connections, entries, load, options, rows
from headgate.manifest.kinds import GRAMMARS
from headgate.manifest.referable import REFERENCE, inside, referable

if TYPE_CHECKING:
    from pydantic_core import core_schema

    from headgate.manifest.grammar import Grammar

Form = dict[str, Any]

DIALECT: Final = "https://json-schema.org/draft/2020-12/schema"
_CLOSED: Final[Form] = {"type": "object", "additionalProperties": False}
#: How pydantic reads truths and whole numbers that were written as text (``wait: no`` is text in YAML 1.2).
_TRUTH: Final = r"^([Tt][Rr][Uu][Ee]|[Ff][Aa][Ll][Ss][Ee]|[Yy][Ee][Ss]|[Nn][Oo]|[Oo][Nn]|[Oo][Ff][Ff]|[TtFfYyNn01])$"
_WHOLE: Final = r"^\s*[+-]?\d[\d_]*(\.0*)?\s*$"


class _Lax(GenerateJsonSchema):
    """What pydantic accepts, and not only what it would prefer."""

    def bool_schema(self, schema: core_schema.BoolSchema) -> Form:
        del schema
        return {"type": ["boolean", "string", "number"], "pattern": _TRUTH, "minimum": 0, "maximum": 1}

    def int_schema(self, schema: core_schema.IntSchema) -> Form:
        del schema
        return {"type": ["integer", "string"], "pattern": _WHOLE}


def manifest_schema() -> Form:
    """The whole schema, as plain data. Cost: about 50 ms, most of it pydantic's."""
    definitions: Form = {
        "reference": {
            "type": "string",
            "pattern": REFERENCE,
            "description": "${env:NAME}, ${file:path}, ${vars.name}, ${row.column}; $$ is a dollar.",
        },
        "rows": _rows(),
        "options": _options(),
    }
    for (side, key), form in forms.accounts().items():
        definitions[f"auth-{side}-{key}"] = referable(form)
    for key in batch_keys():
        encryption = forms.encryption(key)
        if encryption is not None:
            definitions[f"encryption-{key}"] = referable(encryption)
    for name, targets in (("audience", forms.audience_targets()), ("dataset", forms.dataset_targets())):
        for key, form in targets.items():
            definitions[f"{name}-target-{key}"] = referable(form)
    definitions["account"] = _account()
    account: Form = {"$ref": "#/$defs/account"}
    definitions["connection"] = {**account, "anyOf": [{"required": [key]} for key in ("destination", "source", "id")]}
    definitions["inline-destination"] = {**account, "required": ["destination"]}
    definitions["inline-source"] = account
    for kind, grammar in GRAMMARS.items():
        entry, inner = _entry(kind, grammar)
        definitions.update(inner)
        definitions[kind] = entry
    return {
        "$schema": DIALECT,
        "$id": f"urn:headgate:manifest:{load.GRAMMAR_VERSION}",
        "title": "headgate manifest",
        "description": "What there shall be on Adobe Experience Platform, and what shall be done there.",
        **_top(),
        "$defs": definitions,
    }


def _top() -> Form:
    word = {"type": "string", "anyOf": [{"pattern": f"^{load.NAME_PATTERN}$"}, {"pattern": r"\$"}]}
    kinds: Form = {"type": "string", "enum": list(GRAMMARS), "description": _kinds()}
    each = [
        {
            "if": {"properties": {"kind": {"const": kind}}, "required": ["kind"]},
            "then": {"$ref": f"#/$defs/{kind}"},
        }
        for kind in GRAMMARS
    ]
    properties: Mapping[str, Form] = {
        "headgate": {"const": load.GRAMMAR_VERSION},
        "name": word,
        "sandbox": {**word, "type": ["string", "null"]},
        "vars": {"type": ["object", "null"]},
        "connections": {"type": ["object", "null"], "additionalProperties": {"$ref": "#/$defs/connection"}},
        "entries": {
            "type": "array",
            "minItems": 1,
            "items": {"type": "object", "required": ["kind", "name"], "properties": {"kind": kinds}, "allOf": each},
        },
        "options": {"$ref": "#/$defs/options"},
    }
    described = {key: {**properties[key], "description": load.MEANINGS[key]} for key in load.MEANINGS}
    return {**_CLOSED, "required": ["headgate", "name", "entries"], "properties": described}


def _kinds() -> str:
    return "\n".join([entries.MEANINGS["kind"], *(f"{kind}: {one.summary}" for kind, one in GRAMMARS.items())])


def _rows() -> Form:
    text: Form = {"type": "string", "minLength": 1}
    shapes: Mapping[str, Form] = {
        "csv": text,
        "jsonl": text,
        "rows": {"type": "array"},
        "matrix": {"type": "object", "minProperties": 1, "additionalProperties": {"type": "array"}},
        "range": {
            "type": "array",
            "items": {"type": ["integer", "string"], "pattern": r"^-*\d+$"},
            "minItems": 2,
            "maxItems": 2,
        },
    }
    properties = {kind: {**shapes[kind], "description": meaning} for kind, meaning in rows.MEANINGS.items()}
    return referable({**_CLOSED, "properties": properties, "minProperties": 1, "maxProperties": 1})


def _options() -> Form:
    def table(known: Mapping[str, options.Option]) -> Form:
        return {key: {**one.form, "description": one.meaning} for key, one in known.items()}

    properties = table(options.OPTIONS)
    properties["retry"] = {**properties["retry"], "properties": table(options.RETRY), "additionalProperties": False}
    return referable({**_CLOSED, "type": ["object", "null"], "properties": properties})


def _account() -> Form:
    """A base connection. Which keys it must have depends on where it stands."""
    shapes: Mapping[str, Form] = {
        "destination": {"type": "string", "enum": list(batch_keys())},
        "source": {"anyOf": [{"enum": list(source_keys())}, {"type": "string", "pattern": f"^{Source.ID.pattern}$"}]},
        "name": {"type": "string", "minLength": 1},
        "auth": {},
        "encryptionSpecs": {},
        "id": {"type": "string", "minLength": 1},
    }
    properties = {key: {**shapes[key], "description": meaning} for key, meaning in connections.MEANINGS.items()}
    conditions: list[Form] = [
        {"if": {"required": ["id"]}, "then": {"properties": {"auth": False}}},
        {"if": {"required": ["destination"]}, "then": {"properties": {"source": False}}},
    ]
    for (side, key), auth in forms.accounts().items():
        then: Form = {"properties": {"auth": {"$ref": f"#/$defs/auth-{side}-{key}"}}}
        if side == "destination" and forms.encryption(key) is not None:
            then["properties"]["encryptionSpecs"] = {"$ref": f"#/$defs/encryption-{key}"}
        conditions.append(_when(side, key, then))
        if auth["type"] != "null":
            asked = {**_asked(side, key), "not": {"required": ["id"]}}
            conditions.append({"if": asked, "then": {"required": ["auth"]}})
    return referable({**_CLOSED, "properties": properties, "allOf": conditions})


def _asked(key: str, value: str) -> Form:
    return {"properties": {key: {"const": value}}, "required": [key]}


def _when(key: str, value: str, then: Form) -> Form:
    return {"if": _asked(key, value), "then": then}


def _entry(kind: str, grammar: Grammar) -> tuple[Form, Form]:
    """The form of one kind of entry, and those of the parts of its model."""
    form = grammar.model.model_json_schema(
        schema_generator=_Lax, ref_template=f"#/$defs/{kind}-{{model}}", mode="validation"
    )
    inner = {f"{kind}-{name}": referable(_part(part)) for name, part in form.pop("$defs", {}).items()}
    body = _part(form)
    common: Form = {
        "kind": {"const": kind, "description": grammar.summary},
        "name": {"type": ["string", "integer"], "minLength": 1, "pattern": r"\S"},
        "foreach": {"$ref": "#/$defs/rows"},
        "tags": {"type": ["array", "null"], "items": {"type": ["string", "integer"]}},
        "priority": {"type": ["integer", "null"]},
    }
    for key, meaning in entries.MEANINGS.items():
        common[key] = {"description": meaning, **common[key]}
    conditions = list(body.get("allOf", ()))
    if grammar.connected:
        side = "source" if kind == "source-ingestion" else "destination"
        inline = {"$ref": f"#/$defs/inline-{side}"}
        common["connection"] = {"description": entries.CONNECTION, "anyOf": [{"type": "string"}, inline]}
        conditions += _inline(kind)
    required = [*(["connection"] if grammar.connected else []), *body.get("required", ())]
    body = {
        **body,
        "description": grammar.summary,
        "properties": {**common, **body["properties"]},
        "required": ["kind", "name", *required],
    }
    if conditions:
        body["allOf"] = conditions
    body = inside(body)
    body["properties"]["kind"] = common["kind"]
    return body, inner


def _inline(kind: str) -> list[Form]:
    """What an account written on the entry itself means for the rest of the entry."""
    if kind == "source-ingestion":
        # The account's source is the entry's, unless it names one.
        own = {"type": "object", "not": {"anyOf": [{"required": ["source"]}, {"required": ["destination"]}]}}
        return [
            {
                "if": {
                    "properties": {"source": {"const": key}, "connection": own},
                    "required": ["source", "connection"],
                },
                "then": {
                    "properties": {"connection": {"properties": {"auth": {"$ref": f"#/$defs/auth-source-{key}"}}}}
                },
            }
            for key in source_keys()
        ]
    name, keys = ("audience", batch_keys()) if kind == "audience-export" else ("dataset", dataset_keys())
    return [_when_inline(key, {"properties": {"target": {"$ref": f"#/$defs/{name}-target-{key}"}}}) for key in keys]


def _when_inline(key: str, then: Form) -> Form:
    asked = {"connection": {"type": "object", **_asked("destination", key)}}
    return {"if": {"properties": asked, "required": ["connection"]}, "then": then}


def _part(form: Form) -> Form:
    """A model's form. Its description is the class's docstring, which is written for those who change it."""
    form.pop("description", None)
    tidied: Form = _tidy(form)
    return tidied


def _tidy(form: Any) -> Any:
    """A model's form without the words that pydantic adds of its own: titles, empty defaults."""
    if isinstance(form, list):
        return [_tidy(one) for one in form]
    if not isinstance(form, dict):
        return form
    done: Form = {}
    for key, value in form.items():
        if key == "properties":
            done[key] = {name: _tidy(inner) for name, inner in value.items()}
        elif key == "title" or (key == "default" and value in (None, [], {})):
            continue
        else:
            done[key] = value if key in ("default", "enum", "const", "required") else _tidy(value)
    return done
