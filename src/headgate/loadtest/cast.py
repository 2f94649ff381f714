"""Who arrives: the items of a manifest, one after the other and from the beginning again, each under a name of its own.

A load test makes objects that nobody is to mistake for real ones, and that no run of the manifest is to use. So it is
a manifest of its own (``NAME-loadtest``, which gives its objects marks of their own), and every arrival adds the
test's token and its number to its item's name, also the first time round. Repeating is what an open model needs: the
load is what the stages say, not what the manifest happens to have rows for.
"""

from __future__ import annotations

from dataclasses import replace
from typing import TYPE_CHECKING, Any, Final

from headgate.classes import frozen
from headgate.errors import UsageError
from headgate.manifest.model import Connection, Entry, Item, Manifest

if TYPE_CHECKING:
    from collections.abc import Mapping, Sequence

#: What can arrive: entries whose objects can be deleted afterwards.
ARRIVING: Final = ("audience-export", "dataset-export", "source-ingestion")
#: The end of a load test's name.
SUFFIX: Final = "-loadtest"
_OWN: Final = " (load test)"
#: Options of a manifest that say how a test is done, too; its thresholds say what may fail.
_KEPT_OPTIONS: Final = ("retry", "audiencesPerJob")


@frozen
class Cast:
    """A manifest with an item for each arrival. ``names`` are theirs, in order of arrival; ``left_out`` in words."""

    manifest: Manifest
    names: Sequence[str]
    left_out: Sequence[str] = ()


def identity(manifest: str) -> str:
    """The name that load tests of ``manifest`` run under."""
    return f"{manifest}{SUFFIX}"


def cast(manifest: Manifest, count: int, token: str) -> Cast:
    """The cast of a test of ``count`` arrivals. ``token`` makes the names of this test its own.

    Raises:
        UsageError: nothing in the manifest can arrive.
    """
    entries = [entry for entry in manifest.entries if entry.kind in ARRIVING]
    items = [item for entry in entries for item in entry.items]
    left_out = [
        f"entry '{entry.name}' ({entry.kind}) is left out: nothing undoes it"
        for entry in manifest.entries
        if entry.kind not in ARRIVING
    ]
    if not items:
        raise UsageError(
            f"{manifest.path}: nothing in it can arrive in a load test; nothing was sent",
            hint=f"entries whose objects can be deleted afterwards: {', '.join(ARRIVING)}",
        )
    renamed = {key: _renamed(one) for key, one in manifest.connections.items()}
    inline: dict[int, Connection] = {}
    digits = max(4, len(str(count)))
    arriving: dict[int, list[Item]] = {entry.index: [] for entry in entries}
    names = []
    for number in range(count):
        item = items[number % len(items)]
        name = f"{item.name} {token}-{number + 1:0{digits}}"
        names.append(name)
        connection = _connection(item.connection, renamed, inline)
        arriving[item.entry].append(replace(item, name=name, connection=connection, body=_body(item.body)))
    kept = tuple(_entry(entry, arriving[entry.index]) for entry in entries if arriving[entry.index])
    options: Mapping[str, Any] = {key: manifest.options[key] for key in _KEPT_OPTIONS if key in manifest.options}
    told = replace(manifest, name=identity(manifest.name), entries=kept, connections=renamed, options=options)
    return Cast(replace(told, warnings=(), inputs=None), names, left_out)


def _body(body: Mapping[str, Any]) -> Mapping[str, Any]:
    """Schemas and datasets that would be made are the test's own, too; its arrivals share them."""
    own = dict(body)
    for key, name in (("schema", "title"), ("dataset", "name")):
        wish = own.get(key)
        if isinstance(wish, dict) and wish.get(name) and not wish.get("id"):
            own[key] = {**wish, name: f"{wish[name]}{_OWN}"}
    return own


def _entry(entry: Entry, items: Sequence[Item]) -> Entry:
    return replace(entry, items=tuple(items))


def _renamed(connection: Connection) -> Connection:
    """A connection that is made is told from the real one by its name; one that exists is used as it is."""
    if connection.id or not connection.name:
        return connection
    return replace(connection, name=f"{connection.name}{_OWN}")


def _connection(
    connection: Connection | None, renamed: Mapping[str, Connection], inline: dict[int, Connection]
) -> Connection | None:
    if connection is None:
        return None
    if connection.key and connection.key in renamed:
        return renamed[connection.key]
    found = inline.get(id(connection))
    if found is None:
        found = inline[id(connection)] = _renamed(connection)
    return found
