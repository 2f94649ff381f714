"""Rules of base, source and target connections (facts 2.2, 6.2, 6.3, 7.2, 7.3). Pure judgements on bodies.

Where the documents give no text for a refusal it is a 400 with a bare ``message`` (shape f), as create
validation has.
"""

from __future__ import annotations

from collections.abc import Mapping
from typing import TYPE_CHECKING, Any

from headgate.simulator.reply import Refusal, message, problem
from headgate.simulator.schema import first_problem
from headgate.simulator.sources import check_lake_target, check_table

if TYPE_CHECKING:
    from headgate.simulator.sources import SourceSpec
    from headgate.simulator.specs import Destination, Specs
    from headgate.simulator.store import Entity, Store

#: Stands for a secret that was checked and forgotten.
MASK = "********"

_LEGACY_DATA = {"format": "json", "schema": {"id": "1.0", "version": "1.0"}}


def _invalid(text: str, *, violation: str | None = "body") -> Refusal:
    return message(400, text, code="400:create", violation=violation)


def check_named(body: Any) -> dict[str, Any]:
    """Any created object is a JSON object with a name."""
    if not isinstance(body, dict):
        raise _invalid("The request body must be a JSON object")
    if not isinstance(body.get("name"), str) or not body["name"].strip():
        raise _invalid("'name' is required")
    if "description" in body and body["description"] is not None and not isinstance(body["description"], str):
        raise _invalid("'description' must be a string")
    return body


def check_spec(specs: Specs, spec: Any, what: str = "connectionSpec") -> str:
    """``{"id", "version"}`` of a known spec; returns its id."""
    if not isinstance(spec, Mapping) or not isinstance(spec.get("id"), str):
        raise message(400, "Please provide a valid spec id", code="400:spec", violation="spec")
    if not spec.get("version"):
        text = f"{what}.version 'version' is required for spec info"
        raise message(422, text, code="422:version", violation="spec")
    known = specs.known(spec["id"]) if what == "connectionSpec" else spec["id"] in specs.flow_specs
    if not known or spec["version"] != specs.version:
        raise message(400, "Please provide a valid spec id", code="400:spec", violation="spec")
    return str(spec["id"])


def base_connection(specs: Specs, body: Any) -> dict[str, Any]:
    """A base connection as it is kept: secrets checked, then masked."""
    body = check_named(body)
    spec_id = check_spec(specs, body.get("connectionSpec"))
    kept = {key: body[key] for key in ("name", "description", "connectionSpec") if key in body}
    destination = specs.account(spec_id)
    auth = body.get("auth")
    if auth is not None:
        kept["auth"] = checked_auth(destination, spec_id, auth)
    elif destination is not None and destination.auth != ():
        raise _invalid("'auth' is required for this connection spec")
    for key in ("encryption", "encryptionSpecs"):
        if body.get(key):
            check_encryption(destination, body[key])
            kept[key] = body[key]
    return kept


def checked_auth(destination: Destination | SourceSpec | None, spec_id: str, auth: Any) -> dict[str, Any]:
    """``auth`` with its secrets masked.

    Raises:
        Refusal: 1415 for an unknown auth spec, shape (f) for wrong params.
    """
    name = auth.get("specName") if isinstance(auth, Mapping) else None
    spec = destination.auth_spec(name) if destination else None
    if spec is None:
        text = f"The auth spec '{name}' could not be found for the connection spec ID {spec_id}."
        raise problem("1415-400", text, violation="auth")
    params = auth.get("params")
    if not isinstance(params, Mapping):
        raise _invalid("'auth.params' must be an object", violation="auth")
    if MASK in params.values():
        raise _invalid("'auth.params' holds a masked value", violation="masked-secret-written-back")
    found = first_problem(params, spec.schema, "auth.params")
    if found:
        raise _invalid(found, violation="auth")
    masked = {key: MASK if key in spec.secrets else value for key, value in params.items()}
    return {"specName": name, "params": masked}


def check_encryption(destination: Destination | SourceSpec | None, encryption: Any) -> None:
    """Any of the documented spellings (trap 65): an algorithm and a public key."""
    if destination is None or not destination.encryption:
        raise _invalid("this connection spec takes no encryption", violation="encryption")
    params = encryption.get("params", encryption) if isinstance(encryption, Mapping) else None
    if not isinstance(params, Mapping) or "publicKey" not in params:
        raise _invalid("'encryptionSpecs.params.publicKey' is required", violation="encryption")
    if params.get("encryptionAlgo") not in ("PGPGPG", "PGP/GPG", "NONE"):
        raise _invalid("'encryptionSpecs.params.encryptionAlgo' must be PGPGPG or NONE", violation="encryption")


def _base_of(store: Store, body: Mapping[str, Any], sandbox: str, spec_id: str) -> Entity:
    base_id = body.get("baseConnectionId")
    base = store.get("connections", base_id) if isinstance(base_id, str) else None
    if base is None or base["sandboxName"] != sandbox:
        raise _invalid(f"connections not found with id = [{base_id}]", violation="reference")
    if base["connectionSpec"]["id"] != spec_id:
        raise _invalid("'connectionSpec' must be that of the base connection", violation="reference")
    return base


def inherited_base(base: Entity) -> dict[str, Any]:
    """What an object shows of its base connection."""
    return {"baseConnection": {"id": base["id"], "connectionSpec": base["connectionSpec"]}}


def source_connection(specs: Specs, store: Store, body: Any, sandbox: str) -> dict[str, Any]:
    """A source connection as it is kept: the profile store, datasets of the data lake, or a table of a source."""
    body = check_named(body)
    spec_id = check_spec(specs, body.get("connectionSpec"))
    if spec_id in specs.destinations:
        raise _invalid("this connection spec cannot be a source", violation="spec")
    keys = ("name", "description", "connectionSpec", "baseConnectionId", "data", "params")
    kept = {key: body[key] for key in keys if key in body}
    params = body.get("params", {})
    if not isinstance(params, Mapping):
        raise _invalid("'params' must be an object")
    if spec_id in specs.sources.specs:
        check_table(body)
        return {**kept, "inheritedAttributes": inherited_base(_base_of(store, body, sandbox, spec_id))}
    if spec_id == specs.profile_store or body.get("baseConnectionId"):
        kept["inheritedAttributes"] = inherited_base(_base_of(store, body, sandbox, spec_id))
    if spec_id == specs.profile_store:
        data = body.get("data")
        if data is not None and (not isinstance(data, Mapping) or data.get("format") != "CSV"):
            raise _invalid("'data.format' must be CSV")
    else:
        specs.datasets.check(params.get("datasets"), lambda one: store.get("dataSets", one) is not None)
        # Said or not, GET shows a base connection: the data lake's is the platform's own (facts 2.2).
        own = {"id": specs.datasets.base_of(sandbox), "connectionSpec": body["connectionSpec"]}
        kept.setdefault("inheritedAttributes", {"baseConnection": own})
    return kept


def target_connection(specs: Specs, store: Store, body: Any, sandbox: str) -> dict[str, Any]:
    """A target connection as it is kept."""
    body = check_named(body)
    spec_id = check_spec(specs, body.get("connectionSpec"))
    keys = ("name", "description", "connectionSpec", "baseConnectionId", "data", "params")
    kept = {key: body[key] for key in keys if key in body}
    if spec_id == specs.sources.lake:  # the data lake has no base connection
        check_lake_target(store, body, sandbox)
        return {**kept, "inheritedAttributes": {}}
    destination = specs.destinations.get(spec_id)
    if destination is None:
        raise _invalid("this connection spec cannot be a destination", violation="spec")
    kept["inheritedAttributes"] = inherited_base(_base_of(store, body, sandbox, spec_id))
    check_target(destination, body.get("params"), body.get("data"))
    return kept


def check_target(destination: Destination, params: Any, data: Any) -> None:
    """Location and format of a target connection.

    The flow spec is not known yet, so that of ``fileType`` and ``datasetFileType`` at least one is asked
    for; which of them is right is judged when a flow is made (trap 34).
    """
    if not isinstance(params, Mapping):
        raise _invalid("'params' is required", violation="target")
    found = _current_problem(destination, params) if destination.current else _legacy_problem(destination, params)
    if found is None and not destination.current and data != _LEGACY_DATA:
        found = "'data' must be the documented literal (format json, schema 1.0)"
    if found:
        raise _invalid(found, violation="target")


def _current_problem(destination: Destination, params: Mapping[str, Any]) -> str | None:
    schema = {"type": "object", **destination.target}
    found = first_problem(params, schema, "params")
    if found:
        return found
    if params.get("mode", "Server-to-server") != "Server-to-server":
        return "'params.mode' must be Server-to-server"
    if "fileType" not in params and "datasetFileType" not in params:
        return "'params.fileType' or 'params.datasetFileType' is required"
    if params.get("csvOptions") and params.get("fileType") != "CSV":
        return "'params.csvOptions' goes with fileType CSV only"
    return None


def _legacy_problem(destination: Destination, params: Mapping[str, Any]) -> str | None:
    modes = destination.target["modes"]
    mode = params.get("mode")
    if mode not in modes:
        return f"'params.mode' must be one of {list(modes)}"
    for name in modes[mode]:
        if not isinstance(params.get(name), str):
            return f"'params.{name}' is required in mode {mode}"
    if mode != "FTP" and "format" not in params:  # the SFTP sample alone omits it
        return "'params.format' is required"
    if params.get("format", "CSV") != "CSV":
        return "'params.format' must be CSV"
    if not isinstance(params.get("includeFileManifest", False), bool):
        return "'params.includeFileManifest' must be of type boolean"
    return None
