"""Loading manifests from text, for tests."""

from __future__ import annotations

import textwrap
from pathlib import Path

from headgate.errors import Diagnostic, ManifestError
from headgate.manifest.kinds import GRAMMARS
from headgate.manifest.load import load
from headgate.manifest.model import Manifest

DATA = Path(__file__).parents[2] / "data" / "manifests"
ENV = {"S3_KEY": "A" * 20, "S3_SECRET": "hushhush" * 5}

HEAD = """\
headgate: 1
name: test
connections:
  s3: {destination: amazon_s3, auth: {specName: Access Key, params: {s3AccessKey: "${env:S3_KEY}", s3SecretKey: "${env:S3_SECRET}"}}}
  mail: {destination: oracle_eloqua, auth: {specName: SFTP with Password, params: {domain: d, host: h, username: u, password: hushhush}}}
"""
ONCE = '{frequency: ONCE, triggerType: SCHEDULED, startDate: "2026-12-20", startTime: "17:00"}'


def export(
    name: str = "One",
    *,
    extra: str = "",
    target: str = "{bucketName: acme, path: a}",
    schedule: str = ONCE,
    connection: str = "s3",
    ident: str = "aud",
    mode: str = "DAILY_FULL_EXPORT",
) -> str:
    """An audience-export entry as YAML, to stand below ``entries:``."""
    return (
        f"  - kind: audience-export\n    name: {name}\n    connection: {connection}\n    target: {target}\n"
        f"    audiences: [{{id: {ident}, exportMode: {mode}, schedule: {schedule}}}]\n"
        + textwrap.indent(textwrap.dedent(extra) + "\n" if extra else "", "    ")
    )


def loaded(tmp_path: Path, *entries: str, head: str = HEAD, tail: str = "", **options: object) -> Manifest:
    """Load a manifest made of ``head``, entries and ``tail``."""
    path = tmp_path / "m.yaml"
    path.write_text(f"{head}entries:\n{''.join(entries)}{tail}", encoding="utf-8")
    return load(path, grammars=GRAMMARS, env=options.pop("env", ENV), **options)  # type: ignore[arg-type]


def problems(tmp_path: Path, *entries: str, **options: object) -> list[Diagnostic]:
    """The problems of such a manifest; empty when it is valid."""
    try:
        loaded(tmp_path, *entries, **options)  # type: ignore[arg-type]
    except ManifestError as error:
        return list(error.problems)
    return []


def brief(found: list[Diagnostic]) -> list[tuple[str, str]]:
    """Key and message of each problem."""
    return [(one.key, one.message) for one in found]
