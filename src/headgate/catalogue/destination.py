"""A batch destination: its ids, what it wants to know, and the bodies it is sent."""

from __future__ import annotations

import copy
from collections.abc import Mapping
from dataclasses import dataclass, field
from typing import Any, Literal

from headgate.catalogue.finding import Finding
from headgate.catalogue.schema import Schema, type_name, violations
from headgate.catalogue.words import either, suggestion
from headgate.classes import frozen
from headgate.secret import revealed

_PARAMS = "`headgate catalog KEY` shows which"
_AUTH_HINTS = {"encryptionSpecs": "encryptionSpecs stands beside auth"}


@frozen
class AuthSpec:
    """One way to authenticate. ``alias`` is a second spelling of ``spec_name`` found in Adobe's samples."""

    spec_name: str
    schema: Schema
    alias: str | None = None

    @property
    def required(self) -> tuple[str, ...]:
        """Names of the params that must be given."""
        return tuple(self.schema["required"])

    @property
    def secrets(self) -> tuple[str, ...]:
        """Names of the params that hold secrets."""
        return tuple(name for name, inner in self.schema["properties"].items() if inner.get("format") == "password")


def auth_findings(auth: Any, specs: tuple[AuthSpec, ...], owner: str) -> list[Finding]:
    """Everything wrong with ``{"specName", "params"}``; keys start at ``auth``. No value is ever quoted."""
    if not isinstance(auth, Mapping):
        if not specs:
            return [] if auth is None else [Finding("auth", f"{owner} takes no auth", "leave it out")]
        if auth is None:
            names = either([f"'{spec.spec_name}'" for spec in specs])
            return [Finding("auth", f"missing: {owner} needs credentials", f"specName {names}")]
        return [Finding("auth", f"must be a mapping, not {type_name(revealed(auth))}", "keys: specName, params")]
    if not specs:
        return [Finding("auth", f"{owner} takes no auth", "leave it out")]
    found = [
        Finding(f"auth.{key}", "unknown key", _AUTH_HINTS.get(str(key), "keys: specName, params"))
        for key in auth
        if key not in ("specName", "params", "type")
    ]
    spec = _chosen(auth, specs)
    if spec is None:
        # The name as written is not quoted: what stands below auth may be a misplaced secret.
        name = revealed(auth.get("specName"))
        known = [one.spec_name for one in specs]
        message = "missing" if name is None else f"{owner} has no auth spec of this name"
        hint = f"use {either(known)}" if name is None else suggestion(str(name), known, noun="auth specs")
        found.append(Finding("auth.specName", message, hint))
    params = revealed(auth.get("params"))
    if not isinstance(params, Mapping):
        message = "missing" if params is None else f"must be a mapping, not {type_name(params)}"
        found.append(Finding("auth.params", message, f"params: {', '.join(spec.required)}" if spec else _PARAMS))
    elif spec is not None:
        found += violations(spec.schema, params, "auth.params", secret=True)
    return found


def _chosen(auth: Mapping[str, Any], specs: tuple[AuthSpec, ...]) -> AuthSpec | None:
    name = revealed(auth.get("specName"))
    return next((spec for spec in specs if name is not None and name in (spec.spec_name, spec.alias)), None)


@dataclass(frozen=True, slots=True, eq=False)
class Destination:
    """One destination for audience exports.

    ``flow_spec_id`` is ``None`` where no table names it: then the flow spec called ``flow_spec_name`` is
    looked up. ``target_schema`` belongs to the current generation, ``modes`` (mode -> location params) to the
    legacy one.
    Facts 6.1 to 6.4.
    """

    key: str
    name: str
    generation: Literal["current", "legacy"]
    connection_spec_id: str
    flow_spec_id: str | None
    flow_spec_name: str | None
    auth: tuple[AuthSpec, ...]
    target_schema: Schema | None = None
    modes: Mapping[str, tuple[str, ...]] = field(default_factory=dict)
    encryption_schema: Schema | None = None
    migrated_to: str | None = None
    data: Mapping[str, Any] | None = None
    version: str = "1.0"

    @property
    def legacy(self) -> bool:
        """Whether it is of the first generation (email marketing, and the retired cloud storage specs)."""
        return self.generation == "legacy"

    def check_auth(self, auth: Any) -> list[Finding]:
        """Everything wrong with a base connection's ``auth``; keys start there. No value is ever quoted."""
        return auth_findings(auth, self.auth, self.name)

    def check_encryption(self, encryption: Any) -> list[Finding]:
        """Everything wrong with ``encryptionSpecs``; keys start there."""
        if encryption is None or encryption == []:
            return []
        if self.encryption_schema is None:
            return [Finding("encryptionSpecs", f"{self.name} has no documented encryption", "leave it out")]
        return violations(self.encryption_schema, revealed(encryption), "encryptionSpecs", secret=True)

    def check_target(self, target: Any) -> list[Finding]:
        """Everything wrong with an audience export's ``target``; keys are relative to it (``path``)."""
        if not isinstance(target, Mapping):
            message = "missing" if target is None else f"must be a mapping, not {type_name(target)}"
            return [Finding("", message, f"params: {', '.join(self._location())}")]
        return self._check_legacy(target) if self.legacy else self._check_current(target)

    def _location(self) -> tuple[str, ...]:
        if self.target_schema is not None:
            return tuple(self.target_schema["required"])
        return tuple(dict.fromkeys(name for names in self.modes.values() for name in names))

    def _check_current(self, target: Mapping[str, Any]) -> list[Finding]:
        if self.target_schema is None:
            return []
        found, own = [], target
        if "datasetFileType" in target:
            found.append(Finding("datasetFileType", "belongs to dataset-export entries", "use fileType"))
            own = {k: v for k, v in target.items() if k != "datasetFileType"}
        found += violations(self.target_schema, own)
        if "csvOptions" in target and target.get("fileType", "CSV") != "CSV":
            found.append(Finding("csvOptions", "goes with fileType CSV only", "leave it out"))
        if target.get("fileType") == "JSON" and target.get("compression", "NONE") == "NONE":
            found.append(Finding("compression", "JSON is exported compressed only", "use compression: GZIP"))
        return found

    def _check_legacy(self, target: Mapping[str, Any]) -> list[Finding]:
        mode = self._mode(target)
        if mode is None:
            written = target.get("mode")
            if written is not None:
                return [Finding("mode", f"{self.name} has no mode '{written}'", f"use {either(self.modes)}")]
            modes = "; ".join(f"{name}: {', '.join(names)}" for name, names in self.modes.items())
            return [Finding("mode", "missing: the location given does not tell which is meant", modes)]
        text: Schema = {"type": "string"}
        schema: Schema = {
            "type": "object",
            "required": self.modes[mode],
            "properties": {
                **dict.fromkeys(self.modes[mode], text),
                "mode": text,
                "includeFileManifest": {"type": "boolean"},
                "format": {"type": "string", "enum": ["CSV"]},
            },
        }
        return violations(schema, target)

    def _mode(self, target: Mapping[str, Any]) -> str | None:
        """The mode written, or the only possible one: by the destination, else by the location params."""
        if target.get("mode") is not None:
            return target["mode"] if target["mode"] in tuple(self.modes) else None
        fitting = [mode for mode, names in self.modes.items() if any(name in target for name in names)]
        if len(self.modes) == 1:
            return next(iter(self.modes))
        exact = [mode for mode in fitting if all(name in target for name in self.modes[mode])]
        return exact[0] if len(exact) == 1 else fitting[0] if len(fitting) == 1 else None

    def target_params(self, target: Mapping[str, Any]) -> dict[str, Any]:
        """The ``params`` of the target connection as they are sent, from a target that passed its check."""
        if self.legacy:
            return {"mode": self._mode(target), "format": "CSV", **target}
        sent = {"mode": "Server-to-server", "fileType": "CSV", "compression": "NONE", **target}
        sent.pop("datasetFileType", None)
        return sent

    def target_data(self, target: Mapping[str, Any] | None = None) -> dict[str, Any] | None:
        """The ``data`` of the target connection: a literal for the legacy generation, else none (trap 28)."""
        del target
        return copy.deepcopy(dict(self.data)) if self.data is not None else None

    def transformation(self) -> dict[str, Any]:
        """The one transformation a new flow carries, its selectors still empty (facts 6.4, trap 29)."""
        params: dict[str, Any] = {"segmentSelectors": {"selectors": []}}
        if self.legacy:
            params["profileSelectors"] = {"selectors": []}
        else:
            params = {"mandatoryFields": [], "primaryFields": [], "profileMapping": {}, **params}
        return {"name": "GeneralTransform", "params": params}
