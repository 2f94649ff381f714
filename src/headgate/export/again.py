"""A loaded manifest as the text of a manifest: what ``--failed-manifest`` writes.

Every reference to a variable, a row or a file has become its value, so the text stands by itself; only secrets stay
references. One that came from the environment or a file stays as it was (files relative to the new place), one that
was written out or came from a row gets the name of an environment variable, which the head of the text lists. A file
that does not lie below the new place is read only where its folder is allowed, as for any manifest: the head says so.
"""

from __future__ import annotations

import os
import re
import shlex
from collections.abc import Mapping, Sequence
from pathlib import Path
from typing import TYPE_CHECKING, Any

from headgate.classes import frozen
from headgate.export.text import yaml_text
from headgate.export.words import escaped
from headgate.secret import Secret, revealed

if TYPE_CHECKING:
    from headgate.manifest.model import Connection, Item, Manifest

_REFERENCE = re.compile(r"\$\$|\$\{([^}]*)\}")
_FILLED = re.compile(r"\$\{[^}]*\}")
_NOT_IN_NAMES = re.compile(r"[^A-Z0-9]+")


@frozen
class Written:
    """The text of a manifest, and the folders beside its own that it must be allowed to read (``--allow-files``)."""

    text: str
    folders: tuple[Path, ...] = ()


class _Secrets:
    """Turns secrets into references that hold at the new place, and remembers what they need there.

    A reference stays as it is wherever it can: what an object is made from counts secrets by their reference.
    """

    def __init__(self, variables: Mapping[str, Any], old: Path, new: Path) -> None:
        self._written, self._old, self._new = variables, old, new
        #: ``vars:`` of the new manifest, and environment variables that have no name yet, with their purpose.
        self.variables: dict[str, Any] = {}
        self.needed: dict[str, str] = {}
        #: Where files lie that are not below the new place.
        self.folders: set[Path] = set()
        self._named: dict[tuple[str, ...], str] = {}
        self._inline: dict[tuple[object, ...], dict[str, Any]] = {}

    def inline(self, connection: Connection, item: str) -> dict[str, Any]:
        """A connection without a key, the same for all items with an equal one; its secrets are named for the first."""
        same = repr([revealed(dict(part or {})) for part in (connection.auth, connection.encryption)])
        key = (connection.name, connection.destination, connection.source, connection.id, hash(same))
        if key not in self._inline:
            self._inline[key] = _connection(connection, self, f"item {item}")
        return self._inline[key]

    def reference(self, secret: Secret, of: tuple[str, ...]) -> str:
        """The reference to write for ``secret``; ``of`` says whose it is, the field's name last."""
        kept = self._kept(secret.ref)
        return kept if kept is not None else self._asked(of, f"{of[-1]} of {of[0]}")

    def _asked(self, of: tuple[str, ...], purpose: str) -> str:
        name = self._named.get(of)
        if name is None:
            words = (part.partition(" ")[2] or part for part in of if part not in ("auth", "params"))
            base = _NOT_IN_NAMES.sub("_", "_".join(words).upper()).strip("_")
            name, number = base, 2
            while name in self.needed:
                name, number = f"{base}_{number}", number + 1
            self._named[of] = name
            self.needed[name] = purpose
        return f"${{env:{name}}}"

    def _kept(self, text: str) -> str | None:
        """``text`` with what its references need; ``None`` when it is a secret written out, or one from a row."""
        inside = [match[1] for match in _REFERENCE.finditer(text) if match[1] is not None]
        if not inside or any(inner == "row" or inner.startswith("row.") for inner in inside):
            return None
        for inner in inside:
            if inner.startswith("vars."):
                self._need(inner[5:].split("."))
        return _REFERENCE.sub(self._moved, text)

    def _moved(self, match: re.Match[str]) -> str:
        inner = match[1]
        if inner is None or not inner.startswith("file:"):
            return match[0]
        name = inner[5:].strip()
        place = (self._old / name).resolve()  # as it is read: what counts is where the file lies
        if not place.is_relative_to(self._new.resolve()):
            self.folders.add(place.parent)
        return f"${{file:{moved(name, self._old, self._new)}}}"

    def _need(self, names: Sequence[str]) -> None:
        """Put a variable among those of the new manifest."""
        found: Any = self._written
        for name in names:
            found = found.get(name) if isinstance(found, Mapping) else None
        place = self.variables
        for name in names[:-1]:
            place = place.setdefault(name, {})
        if names[-1] not in place:
            place[names[-1]] = None  # variables that lead back to themselves end here
            kept = self._kept(found) if isinstance(found, str) else None
            place[names[-1]] = kept or self._asked(("vars", *names), f"variable {'.'.join(names)}")


def moved(name: str, old: Path, new: Path) -> str:
    """File ``name`` of a manifest in folder ``old``, as a manifest in folder ``new`` names it."""
    here, there = old.resolve(), new.resolve()
    if here == there or Path(name).is_absolute():
        return name
    try:
        return Path(os.path.relpath(here / name, there)).as_posix()
    except ValueError:  # another drive
        return (here / name).as_posix()


def manifest_again(
    manifest: Manifest, sandbox: str, place: Path, *, variables: Mapping[str, Any], head: Sequence[str] = ()
) -> Written:
    """A manifest to stand at ``place`` that means exactly ``manifest``.

    Args:
        manifest: What is to be written, its secrets wrapped.
        sandbox: The sandbox it is for.
        place: The file it will stand in.
        variables: ``vars:`` of the old manifest as written, without those that were overridden.
        head: Lines of comment that come first.
    """
    secrets = _Secrets(variables, manifest.path.parent, place.parent)
    connections = {
        item.connection.key: _connection(item.connection, secrets, f"connection {item.connection.key}")
        for item in manifest.items
        if item.connection is not None and item.connection.key
    }
    entries = [
        {**each, "priority": entry.priority} if entry.priority else each
        for entry in manifest.entries
        for each in _entries([(item, _body(item, secrets)) for item in entry.items], entry.kind, entry.name)
    ]
    whole: dict[str, Any] = {"headgate": 1, "name": manifest.name, "sandbox": escaped(sandbox)}
    if secrets.variables:
        whole["vars"] = secrets.variables
    if connections:
        whole["connections"] = connections
    whole["entries"] = entries
    if manifest.options:
        whole["options"] = escaped(dict(manifest.options))
    lines = list(head)
    if secrets.needed:
        lines.append("Secrets are never written. The environment must also hold:")
        lines += [f"  {name}  ({what})" for name, what in sorted(secrets.needed.items())]
    folders = _fewest(secrets.folders)
    if folders:
        allowed = " ".join(f"--allow-files {shlex.quote(str(folder))}" for folder in folders)
        lines.append(f"Secrets are read from files that do not lie below this folder: {allowed}")
    return Written("".join(f"# {line}\n" for line in lines) + yaml_text(whole), folders)


def _fewest(folders: set[Path]) -> tuple[Path, ...]:
    """Those of ``folders`` that lie in no other of them."""
    return tuple(sorted(one for one in folders if not any(parent in folders for parent in one.parents)))


def _entries(items: Sequence[tuple[Item, dict[str, Any]]], kind: str, template: str) -> list[dict[str, Any]]:
    """One entry for all items, what differs between them in rows; several where they do not have the same keys."""
    groups: dict[tuple[Any, ...], list[tuple[Item, dict[str, Any]]]] = {}
    for item, body in items:
        # Credentials of their own stay apart: a secret does not go into a row.
        inline = item.connection is not None and not item.connection.key
        alone = id(body["connection"]) if inline else item.name if "pairs" in body else ""
        groups.setdefault((*body, alone), []).append((item, body))
    return [_entry(group, kind, template) for group in groups.values()]


def _entry(group: Sequence[tuple[Item, dict[str, Any]]], kind: str, template: str) -> dict[str, Any]:
    first, body = group[0]
    if len(group) == 1:
        return {"kind": kind, "name": escaped(first.name), **body}
    differing = [key for key in body if any(other[key] != body[key] for _, other in group)]
    before, after = _around(template, [item.name for item, _ in group])
    rows = [
        {
            "name": escaped(item.name[len(before) : len(item.name) - len(after)]),
            **{key: other[key] for key in differing},
        }
        for item, other in group
    ]
    name = f"{escaped(before)}${{row.name}}{escaped(after)}"
    entry: dict[str, Any] = {"kind": kind, "name": name, "foreach": {"rows": rows}}
    return {**entry, **{key: f"${{row.{key}}}" if key in differing else value for key, value in body.items()}}


def _around(template: str, names: Sequence[str]) -> tuple[str, str]:
    """What stands before and after the references of an entry's name, so that a report calls it what it was called."""
    parts = [part.replace("$$", "$") for part in _FILLED.split(template)]
    before, after = parts[0], parts[-1] if len(parts) > 1 else ""
    fits = all(name.startswith(before) and name[len(before) :].endswith(after) for name in names)
    return (before, after) if fits else ("", "")


def _body(item: Item, secrets: _Secrets) -> dict[str, Any]:
    shown: dict[str, Any] = {}
    if item.tags:
        shown["tags"] = escaped(list(item.tags))
    if item.connection is not None:
        connection = item.connection
        shown["connection"] = escaped(connection.key) or secrets.inline(connection, item.name)
    body = dict(item.body)
    if "pairs" in body:
        pairs = [{"destinationId": destination, "segmentId": audience} for destination, audience, _ in body["pairs"]]
        body["pairs"] = {"rows": pairs}
        if body.get("apiVersion") != 1:
            body.pop("exportIds", None)
    return {**shown, **{key: _plain(value, secrets, (item.name, key)) for key, value in body.items()}}


def _connection(connection: Connection, secrets: _Secrets, whose: str) -> dict[str, Any]:
    parts = {
        "destination": connection.destination,
        "source": connection.source,
        "name": connection.name if connection.name != connection.key else None,
        "auth": connection.auth,
        "encryptionSpecs": connection.encryption,
        "id": connection.id,
    }
    return {key: _plain(value, secrets, (whose,)) for key, value in parts.items() if value}


def _plain(value: Any, secrets: _Secrets, of: tuple[str, ...]) -> Any:
    """JSON in which every secret is a reference and every dollar a dollar."""
    if isinstance(value, Secret):
        return secrets.reference(value, of)
    if isinstance(value, Mapping):
        return {escaped(key): _plain(inner, secrets, (*of, str(key))) for key, inner in value.items()}
    if isinstance(value, (list, tuple)):
        return [_plain(inner, secrets, of) for inner in value]
    return escaped(value)
