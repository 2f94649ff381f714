"""How a live object differs from what the manifest says, place by place: what a run with ``--refresh`` would see.

The judgement is that of :mod:`headgate.workflows.converge` and :mod:`headgate.workflows.selectors`, which a run acts
by; here it is only spelled out. Pure. Secrets are neither compared nor shown.
"""

from __future__ import annotations

from collections.abc import Mapping
from dataclasses import replace
from typing import TYPE_CHECKING, Any, Final

from headgate.manifest.pointer import pointer_of, steps_of
from headgate.secret import Secret, masked
from headgate.workflows import converge, selectors
from headgate.workflows.contract import Context
from headgate.workflows.create import whole_body
from headgate.workflows.dataset_source import SelectedSource
from headgate.workflows.patching import Leaf, PatchError, value_at

if TYPE_CHECKING:
    from headgate.planning.model import Job
    from headgate.workflows.create import CreateSpec
    from headgate.workflows.selectors import SelectorsSpec

#: A place that cannot be changed on the platform says so.
FIXED: Final = "fixed"


def spec_of(job: Job) -> CreateSpec:
    """What a creating job is to make. Of datasets chosen while running it is not known which they are."""
    spec: CreateSpec = job.spec.made if isinstance(job.spec, SelectedSource) else job.spec
    return spec


def wanted_body(job: Job, ids: Mapping[str, str]) -> dict[str, Any]:
    """The body ``job`` would send, as far as ``ids`` (by role) tell what it refers to; the rest is left out."""
    spec = spec_of(job)
    refs = tuple(ref for ref in spec.refs if ref[1].partition(".")[0] in ids)
    inputs = {role: {"id": remote} for role, remote in ids.items()}
    body = whole_body(Context(job.key, replace(spec, refs=refs), inputs, {}, 0.0))
    if "flowSpec" in body and "id" not in body["flowSpec"]:
        del body["flowSpec"]  # looked up by its name while running
    return body


def differences(
    job: Job, wanted: Mapping[str, Any], live: Mapping[str, Any], further: SelectorsSpec | None = None
) -> list[Leaf]:
    """Every place where ``live`` is not as ``wanted``: ``{"path", "from", "to"}``, and ``fixed`` where it stays so.

    ``further`` are the audiences and attributes of a flow. Nothing of a kind that is only looked at is compared.
    """
    if not converge.can(spec_of(job)):
        return []
    found: list[Leaf] = []
    for path in converge.unchangeable(wanted, live):
        steps = tuple(path.split("."))
        found += [{**leaf, FIXED: True} for leaf in _within(_at(wanted, steps), _at(live, steps), steps)]
    for op in converge.operations(wanted, live, credentials=False):
        steps = tuple(steps_of(op["path"]))
        if not any(leaf["path"] == op["path"] or leaf["path"].startswith(f"{op['path']}/") for leaf in found):
            found += _within(_at(wanted, steps), _at(live, steps), steps)
    if further is not None:
        found += _selected(further, live)
    return found


def _selected(spec: SelectorsSpec, flow: Mapping[str, Any]) -> list[Leaf]:
    """What of a flow's audiences and attributes is to be added, replaced and removed."""
    found: list[Leaf] = []
    for op in selectors.operations(spec, selectors.transformation_params(flow), exact=True):
        steps = tuple(steps_of(op["path"]))
        match op["op"]:
            case "replace":
                found += _within(op["value"], _at(flow, steps), steps)
            case "remove":
                found.append({"path": op["path"], "from": _short(_at(flow, steps))})
            case _:
                leaf: Leaf = {"path": op["path"], "to": _short(op["value"])}
                have = _at(flow, steps)
                found.append(leaf if have is None else {**leaf, "from": have})
    return found


def _short(selector: Any) -> Any:
    """A selector by what it is of: the audience, or the attribute."""
    value = selector.get("value") if isinstance(selector, Mapping) else None
    if isinstance(value, Mapping):
        return value.get("id") or value.get("path")
    return selector


def _at(document: Any, steps: tuple[str, ...]) -> Any:
    try:
        return value_at(document, steps)
    except PatchError:
        return None


def _within(wanted: Any, live: Any, steps: tuple[str | int, ...]) -> list[Leaf]:
    """Where ``live`` lacks something of ``wanted``; the platform adds keys of its own, and they may stay."""
    if isinstance(wanted, Secret):
        return []
    if isinstance(wanted, Mapping) and isinstance(live, Mapping):
        pairs = [(key, value) for key, value in wanted.items() if value is not None]
        return [leaf for key, value in pairs for leaf in _within(value, live.get(key), (*steps, key))]
    if isinstance(wanted, (list, tuple)) and isinstance(live, (list, tuple)) and len(wanted) == len(live):
        both = enumerate(zip(wanted, live, strict=True))
        return [leaf for index, (one, two) in both for leaf in _within(one, two, (*steps, index))]
    if wanted == live:
        return []
    leaf: Leaf = {"path": pointer_of(steps), "to": masked(wanted)}
    return [leaf if live is None else {**leaf, "from": live}]
