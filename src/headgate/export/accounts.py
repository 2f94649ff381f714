"""Base connections as ``connections:`` of a manifest: one for each account, its secrets as references."""

from __future__ import annotations

import re
from collections.abc import Mapping
from typing import TYPE_CHECKING, Any

from headgate.catalogue import Source
from headgate.export.words import escaped, unmarked

if TYPE_CHECKING:
    from headgate.catalogue import Destination

_WORD = re.compile(r"[^a-z0-9]+")
_HUMP = re.compile(r"(?<=[a-z0-9])(?=[A-Z])")


class Accounts:
    """The connections of one manifest. Flows that stand on one account share it, and so do two that differ in nothing
    that can be seen and bear one name.
    """

    def __init__(self) -> None:
        self.written: dict[str, dict[str, Any]] = {}
        #: Base connections by id, as the keys they got.
        self.keys: dict[str, str] = {}
        #: Variables of the environment that a run of the manifest needs, and what they are for.
        self.variables: dict[str, str] = {}
        #: What of an account could not be read back, in words.
        self.doubts: list[str] = []

    def key_of(self, base: Mapping[str, Any], account: Destination | Source) -> str:
        """The key of ``base`` under ``connections:``, written when it is met first."""
        remote = str(base["id"])
        if remote in self.keys:
            return self.keys[remote]
        name = str(base.get("name") or account.name)
        stem = key = _WORD.sub("-", name.lower()).strip("-") or account.key.replace("_", "-")
        number = 1
        while key in self.written:
            number += 1
            key = f"{stem}-{number}"
        self.keys[remote] = key
        self.written[key] = self._connection(key, name, base, account)
        return key

    def _connection(
        self, key: str, name: str, base: Mapping[str, Any], account: Destination | Source
    ) -> dict[str, Any]:
        found: dict[str, Any] = {"source" if isinstance(account, Source) else "destination": account.key}
        if name != key:
            found["name"] = escaped(name)
        live = base.get("auth")
        auth: Mapping[str, Any] = live if isinstance(live, Mapping) else {}
        given = auth.get("params")
        shown: Mapping[str, Any] = given if isinstance(given, Mapping) else {}
        if account.auth is None:
            found["auth"] = self._unknown(key, name, auth.get("specName"), shown)
            return found
        named = auth.get("specName") or ""
        spec = next((one for one in account.auth if named in (one.spec_name, one.alias)), None)
        if spec is None and account.auth:
            spec = account.auth[0]
            self.doubts.append(
                f"account '{unmarked(name)}': how it authenticates was not shown; '{spec.spec_name}' is assumed"
            )
        if spec is not None:
            params: dict[str, Any] = {}
            for param in spec.schema["properties"]:
                if param in spec.secrets or (param in spec.required and param not in shown):
                    if param in spec.required or param in shown:
                        params[param] = self._reference(key, name, param)
                elif param in shown:
                    params[param] = escaped(shown[param])
            found["auth"] = {"specName": spec.spec_name, "params": params}
        if base.get("encryptionSpecs"):
            found["encryptionSpecs"] = dict.fromkeys(base["encryptionSpecs"], "")
            for param in base["encryptionSpecs"]:
                found["encryptionSpecs"][param] = self._reference(key, name, param)
        return found

    def _unknown(self, key: str, name: str, spec: object, shown: Mapping[str, Any]) -> dict[str, Any]:
        """Credentials of a source that the catalogue does not know: which of them are secret is not known either."""
        if not isinstance(spec, str) or not spec or not shown:
            missing = "credentials" if not shown else "type of its credentials"
            self.doubts.append(f"account '{unmarked(name)}': its {missing} cannot be read back: complete its auth:")
        else:
            self.doubts.append(
                f"account '{unmarked(name)}': a source that is not in the catalogue: all of its params that were "
                "shown are to be set in the environment, and there may be more"
            )
        return {
            "specName": escaped(spec) if isinstance(spec, str) else "",
            "params": {param: self._reference(key, name, param) for param in shown},
        }

    def _reference(self, key: str, name: str, param: str) -> str:
        variable = _WORD.sub("_", f"{key}_{_HUMP.sub('_', param)}".lower()).strip("_").upper()
        self.variables[variable] = f"{param} of {unmarked(name)}"
        return f"${{env:{variable}}}"
