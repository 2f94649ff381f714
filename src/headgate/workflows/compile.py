"""From a manifest to a plan: every item compiled by its kind, then frozen and fingerprinted."""

from __future__ import annotations

from hashlib import blake2b

import orjson

from headgate.manifest.model import Manifest
from headgate.plan.builder import Builder
from headgate.plan.model import Job, Plan
from headgate.secret import masked
from headgate.workflows import activation, audience_export
from headgate.workflows.packing import CAP

#: Kinds whose items are planned first, because others refer to the flows they make.
_RESOURCES = {"audience-export": audience_export.compile_item}
_CAPPED = {"activation": activation.compile_item}


def compile_plan(manifest: Manifest, sandbox: str) -> Plan:
    """The plan of ``manifest`` in ``sandbox``. Pure: the same manifest gives the same plan, fingerprint included."""
    builder = Builder(manifest.name, sandbox)
    cap = int(manifest.options.get("audiencesPerJob") or CAP)
    for entry in manifest.entries:
        for item in entry.items:
            if entry.kind in _RESOURCES:
                _RESOURCES[entry.kind](item, entry.name, builder)
    for entry in manifest.entries:
        for item in entry.items:
            if entry.kind in _CAPPED:
                _CAPPED[entry.kind](item, entry.name, builder, cap)
    return Plan(manifest.name, sandbox, tuple(builder.jobs), tuple(builder.items), tuple(builder.pairs),
                tuple(builder.adhoc), _fingerprint(builder), dict(manifest.options))


def _fingerprint(builder: Builder) -> str:
    """A digest of every job and edge; secrets count by their reference alone."""
    digest = blake2b(f"{builder.manifest}\x1f{builder.sandbox}".encode(), digest_size=16)
    for job in builder.jobs:
        digest.update(_digest(job))
    return digest.hexdigest()


def _digest(job: Job) -> bytes:
    spec = job.spec if isinstance(job.spec, dict) else {name: getattr(job.spec, name) for name in job.spec.__slots__}
    return orjson.dumps([job.key, job.kind, sorted(job.needs.values()), sorted(job.after.values()), masked(spec)],
                        option=orjson.OPT_SORT_KEYS)
