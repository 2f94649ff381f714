"""Where the loader takes a reference (``${env:X}``, ``${row.x}`` …), a JSON Schema takes one, too."""

from __future__ import annotations

from typing import Any, Final

Form = dict[str, Any]

#: Text with a reference in it: it may stand for a value of any type.
REFERENCE: Final = r"\$\{[^{}]+\}"
#: Text whose final form is not known here: with a reference, or with a dollar that is written twice.
_UNKNOWN: Final = r"\$"
_STRICT: Final[tuple[str, ...]] = ("enum", "const", "pattern", "minLength", "maxLength")


def referable(form: Form) -> Form:
    """``form`` for a value that may be written as a reference, at every depth."""
    inner = inside(form)
    if any(key in inner for key in ("anyOf", "oneOf")):
        choices = inner.setdefault("anyOf", [])
        if not any(_takes_text(choice) for choice in choices):
            choices.append({"type": "string", "pattern": REFERENCE})
        return inner
    types = inner.get("type")
    listed = [types] if isinstance(types, str) else list(types or ())
    if "string" in listed or (not listed and ({"enum", "const"} & inner.keys())):
        strict = {key: inner.pop(key) for key in _STRICT if key in inner}
        if strict.keys() <= {"minLength"}:
            return {**inner, **strict}
        return {**inner, "anyOf": [strict, {"type": "string", "pattern": _UNKNOWN}]}
    if listed:
        return {**inner, "type": [*listed, "string"], "pattern": REFERENCE}
    return inner


def inside(form: Form) -> Form:
    """``form`` itself as it is, and what it says of the values below it made referable."""
    done = dict(form)
    for key in ("properties", "patternProperties"):
        if key in done:
            done[key] = {name: _below(inner) for name, inner in done[key].items()}
    for key in ("items", "additionalProperties"):
        if key in done:
            done[key] = _below(done[key])
    for key in ("anyOf", "oneOf"):
        if key in done:
            done[key] = [inside(one) for one in done[key]]
    if "allOf" in done:
        done["allOf"] = [_condition(one) for one in done["allOf"]]
    if done.get("additionalProperties") is False:
        # A key may be written as a reference as well, and is known only when it is resolved.
        done["patternProperties"] = {**done.get("patternProperties", {}), _UNKNOWN: True}
    return done


def _below(form: Any) -> Any:
    return referable(form) if isinstance(form, dict) else form


def _condition(form: Form) -> Form:
    """What a condition asks stays; what follows from it is said of values."""
    return {key: inside(value) if key in ("then", "else") else value for key, value in form.items()}


def _takes_text(form: Form) -> bool:
    types = form.get("type")
    return "string" in ([types] if isinstance(types, str) else types or ()) and not any(key in form for key in _STRICT)
