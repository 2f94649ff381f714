"""How a manifest is written, as a page for the terminal: rendered from its JSON Schema, as editors see it."""

from __future__ import annotations

import textwrap
from collections.abc import Iterator, Mapping
from typing import Any, Final

import click

from headgate.catalogue.words import suggestion
from headgate.errors import UsageError
from headgate.manifest.jsonschema import manifest_schema
from headgate.manifest.kinds import GRAMMARS
from headgate.manifest.referable import REFERENCE

Form = Mapping[str, Any]

#: The widest line. Whoever has a wider terminal reads no faster.
WIDTH: Final = 80
_STEP: Final = 4
#: A longer default has a line of its own.
_SHORT: Final = 20
_WORDS: Final = {
    "string": "text", "integer": "whole number", "number": "number", "boolean": "true or false",
    "array": "list", "object": "mapping",
}  # fmt: skip
_REFERENCES: Final = (
    ("${env:NAME}", "a variable of the environment"),
    ("${file:path}", "what a file below the manifest's folder holds"),
    ("${vars.name}", "a value of vars:"),
    ("${row.column}", "a value of the row, in entries with foreach; also ${row} and ${row.index}"),
    ("$$", "a dollar"),
)
#: A heading begins with this mark, which :func:`styled` takes away.
_HEAD: Final = "\x00"


def page() -> list[str]:
    """The whole grammar but for what single kinds have of their own."""
    schema = manifest_schema()
    lines = [*_heading("headgate manifest"), *_text(schema["description"], 1), ""]
    lines += _text("One file, YAML or JSON. Names are Adobe's, so that samples can be pasted in.", 1)
    lines += _section("keys", _keys(schema, schema, 1, deep=False))
    lines += _section("connections: each one", _keys(schema["$defs"]["account"], schema, 1, deep=False))
    lines += _section("entries: each one", _common(schema))
    lines += _section("kinds of entries", [line for kind, one in GRAMMARS.items() for line in _term(kind, one.summary)])
    lines += ["", *_text("One kind, with an example: headgate help manifest KIND", 1)]
    lines += _section("foreach", _keys(schema["$defs"]["rows"], schema, 1))
    lines += _section("references", [line for one in _REFERENCES for line in _term(*one)])
    lines += ["", *_text("A value that is one reference alone keeps the type of what it refers to.", 1)]
    lines += _section("options", _keys(schema["$defs"]["options"], schema, 1))
    example = "headgate: 1\nname: example\nentries:\n" + textwrap.indent(GRAMMARS["audience-export"].example, "  ")
    lines += _section("example", textwrap.indent(example.rstrip(), " " * _STEP).split("\n"))
    lines += _section(
        "see also",
        _text("headgate schema (for editors), headgate catalog (destinations and sources), headgate init", 1),
    )
    return lines


def kind_page(kind: str) -> list[str]:
    """One kind of entry: its keys and an example.

    Raises:
        UsageError: there is no such kind.
    """
    if kind not in GRAMMARS:
        raise UsageError(f"there is no kind of entry '{kind}'", hint=suggestion(kind, GRAMMARS, noun="kinds", most=9))
    grammar, schema = GRAMMARS[kind], manifest_schema()
    form = schema["$defs"][kind]
    repeats = (
        "An action: it is done again on every run."
        if grammar.action
        else "A resource: made once, used again by the next run, changed where the manifest changed."
    )
    lines = [*_heading(kind), *_text(grammar.summary, 1), *_text(repeats, 1)]
    own = {key: inner for key, inner in form["properties"].items() if key not in ("kind", "foreach", "tags")}
    lines += _section("keys", _keys({**form, "properties": own}, schema, 1))
    if grammar.connected:
        lines += ["", *_text("What an account and a target take: headgate catalog KEY", 1)]
    lines += _section("example", textwrap.indent(grammar.example.rstrip(), " " * _STEP).split("\n"))
    lines += _section("see also", _text("headgate help manifest (name, foreach, tags, references, options)", 1))
    return lines


def styled(lines: list[str]) -> str:
    """The page as one text; headings are bold where it is shown on a terminal (click takes styles off elsewhere)."""
    return "\n".join(click.style(line[1:], bold=True) if line.startswith(_HEAD) else line for line in lines)


def _heading(text: str) -> list[str]:
    return [_HEAD + text.upper()]


def _section(title: str, lines: list[str]) -> list[str]:
    return ["", *_heading(title), *lines]


def _text(text: str, depth: int) -> list[str]:
    indent = " " * (_STEP * depth)
    return [
        line
        for part in text.split("\n")
        for line in textwrap.wrap(
            part, WIDTH, initial_indent=indent, subsequent_indent=indent, break_on_hyphens=False, break_long_words=False
        )
    ]


def _term(word: str, meaning: str) -> list[str]:
    return [f"{' ' * _STEP}{word}", *_text(meaning, 2)]


def _common(schema: Form) -> list[str]:
    form = schema["$defs"]["audience-export"]
    shown = {key: form["properties"][key] for key in ("kind", "name", "foreach", "tags", "connection")}
    shown["kind"] = {"type": "string", "description": "What it is: one of the kinds below."}
    return _keys({"properties": shown, "required": ["kind", "name"]}, schema, 1, deep=False)


def _keys(form: Form, schema: Form, depth: int, *, deep: bool = True) -> list[str]:
    """The keys of a mapping, each with its type and meaning, and below it what it holds (``deep``)."""
    lines = []
    indent = " " * (_STEP * depth)
    for key, given in form["properties"].items():
        if given is False or given.get("deprecated"):
            continue
        inner = _followed(given, schema)
        notes = [_shape(inner)]
        if key in form.get("required", ()):
            notes.append("required")
        default = _value(inner["default"]) if "default" in inner else ""
        if 0 < len(default) <= _SHORT:
            notes.append(f"default {default}")
        shown = ", ".join(note for note in notes if note)
        lines.append(f"{indent}{key}{f'  ({shown})' if shown else ''}")
        lines += _text(str(inner.get("description", "")), depth + 1)
        if len(default) > _SHORT:
            lines += _text(f"Default: {default}", depth + 1)
        choices = _choices(inner)
        if choices:
            lines += _text(f"One of: {' | '.join(choices)}", depth + 1)
        below = _below(inner, schema) if deep else None
        if below is not None:
            lines += _keys(below, schema, depth + 1)
    return lines


def _followed(form: Form, schema: Form) -> dict[str, Any]:
    """``form`` with what it points to; what it says itself comes first."""
    found = dict(form)
    while "$ref" in found:
        target = schema["$defs"][found.pop("$ref").rpartition("/")[2]]
        found = {**target, **found}
    return found


def _variants(form: Form) -> list[Form]:
    """The forms a value may have, without that of a reference, which every value may have."""
    if "anyOf" not in form:
        return [form]
    found: list[Form] = []
    for one in form["anyOf"]:
        if one.get("pattern") in (REFERENCE, r"\$"):
            continue
        found.append({**{key: form[key] for key in ("type",) if key in form}, **one})
    return found


def _types(form: Form) -> Iterator[str]:
    for one in _variants(form):
        types = one.get("type")
        for name in [types] if isinstance(types, str) else types or ():
            if name != "null" and not (name == "string" and one.get("pattern") == REFERENCE):
                yield name


def _shape(form: Form) -> str:
    names = list(dict.fromkeys(_types(form)))
    if "boolean" in names:
        names = ["boolean"]  # written as text or as 0 and 1 it is taken, too
    elif "integer" in names and not _choices(form) and any("_]*" in str(one.get("pattern")) for one in _variants(form)):
        names = ["integer"]
    if any("$ref" in one for one in _variants(form)) and "object" not in names:
        names.append("object")
    return " or ".join(_WORDS[name] for name in names)


def _choices(form: Form) -> list[str]:
    for one in _variants(form):
        if "enum" in one:
            return list(dict.fromkeys(_value(choice) for choice in one["enum"] if choice is not None))
    return []


def _value(value: Any) -> str:
    if isinstance(value, bool):
        return "true" if value else "false"
    text = str(value)
    return repr(text) if text.strip() != text or not text else text


def _below(form: Form, schema: Form) -> Form | None:
    """The mapping that a value is, or a list of which it holds; ``None`` where there is no more to say."""
    properties: dict[str, Any] = {}
    required: set[str] | None = None
    for one in _variants(form):
        inner: Form | None = _followed(one, schema)
        if inner and not inner.get("properties"):
            inner = _below(_followed(inner["items"], schema), schema) if "items" in inner else None
        if inner is None or inner["properties"].keys() >= {"destination", "auth"}:
            continue
        properties |= inner["properties"]
        here = set(inner.get("required", ()))
        required = here if required is None else required & here
    return {"properties": properties, "required": required or ()} if properties else None
