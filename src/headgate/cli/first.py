"""What ``headgate init`` writes: a profile, a manifest for one destination, and its rows."""

from __future__ import annotations

import re
from collections.abc import Iterator
from importlib.resources import files
from typing import Final

import yaml

from headgate.catalogue import Destination
from headgate.classes import frozen

#: Where the manifest's schema is put, from the manifest's folder. The state store's folder is nobody else's.
SCHEMA: Final = ".headgate/manifest.schema.json"
_HUMP: Final = re.compile(r"(?<=[a-z0-9])(?=[A-Z])")
#: What location parameters get; what is not here is a folder for each row.
_LOCATIONS: Final = {"bucketName": "acme-exports", "container": "exports", "remotePath": "/exports/${row.region}"}


@frozen
class First:
    """What is known of the first manifest: its name, the sandbox, and where it exports to."""

    name: str
    sandbox: str
    destination: Destination
    with_schema: bool = True

    def profile(self) -> str:
        """The profile."""
        return _starter("headgate.yaml").replace("sandbox: dev", f"sandbox: {_scalar(self.sandbox)}")

    def rows(self) -> str:
        """The rows that the manifest names."""
        return _starter("regions.csv")

    def manifest(self) -> str:
        """The manifest."""
        head = f"# yaml-language-server: $schema=./{SCHEMA}\n" if self.with_schema else ""
        text = _starter("manifest.yaml")
        for old, new in (
            ("name: exports\n", f"name: {_scalar(self.name)}\n"),
            ("sandbox: dev ", f"sandbox: {_scalar(self.sandbox)} "),
            ("    connection: landing-zone\n", f"    connection: {self._key}\n"),
            ('    target: {path: "exports/${row.region}", fileType: CSV, compression: GZIP}\n', self._target()),
        ):
            text = text.replace(old, new)
        before, _, rest = text.partition("  landing-zone: {destination: data_landing_zone}\n")
        after = rest[rest.index("\nentries:") :] if self.destination.auth else rest
        return f"{head}{before}{self._connection()}{after}"

    def variables(self) -> list[str]:
        """Variables of the environment that the manifest refers to."""
        return [variable for _, variable in self._params()]

    @property
    def _key(self) -> str:
        return "landing-zone" if not self.destination.auth else self.destination.key.replace("_", "-")

    def _params(self) -> Iterator[tuple[str, str]]:
        for spec in self.destination.auth[:1]:
            for param in spec.required:
                name = _HUMP.sub("_", param).upper()
                yield param, f"{self.destination.key.upper()}_{name}"

    def _connection(self) -> str:
        if not self.destination.auth:
            return f"  {self._key}: {{destination: {self.destination.key}}}\n"
        names = [spec.spec_name for spec in self.destination.auth]
        others = f"  # or: {', '.join(names[1:])}" if names[1:] else ""
        lines = [
            f"  {self._key}:",
            f"    destination: {self.destination.key}  # `headgate catalog {self.destination.key}` shows what it takes",
            "    auth:",
            f"      specName: {names[0]}{others}",
            "      params:  # secrets are never written here: they are referred to",
            *(f'        {param}: "${{env:{variable}}}"' for param, variable in self._params()),
        ]
        return "".join(f"{line}\n" for line in lines)

    def _target(self) -> str:
        found = self.destination
        if found.target_schema is not None:
            params = {name: _location(name) for name in found.target_schema["required"]}
            params |= {"fileType": "CSV", "compression": "GZIP"}
        else:
            params = {name: _location(name) for name in next(iter(found.modes.values()))}
        flow = yaml.safe_dump(params, default_flow_style=True, sort_keys=False, width=200).strip()
        return f"    target: {flow}\n"


def _scalar(text: str) -> str:
    """Text as YAML has it, quoted where it would be a number or a truth."""
    return str(yaml.safe_dump(text)).partition("\n")[0]


def _location(name: str) -> str:
    return _LOCATIONS.get(name, "exports/${row.region}")


def _starter(name: str) -> str:
    return (files("headgate.cli") / "starter" / name).read_text(encoding="utf-8")
