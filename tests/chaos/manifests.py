"""Random manifests over all kinds of entries, the world they are run in, and what must be there afterwards."""

import json
from collections import Counter
from dataclasses import dataclass, field
from random import Random

from tests.kill import kinds

#: Pieces of a manifest, each with the chance that it has a part in one.
PIECES = {"bucket": 0.7, "mail": 0.3, "activation": 0.6, "lake": 0.35, "tables": 0.35, "update": 0.35, "switch": 0.3,
          "retry": 0.25, "remove": 0.3, "watch": 0.25}  # fmt: skip


@dataclass
class Wish:
    """One manifest, and what it asks for.

    ``names`` are the objects it makes by collection; ``pairs`` those it activates in each run; ``gone`` the flows it
    deletes. ``given`` furnishes the platform.
    """

    rng: Random
    pieces: list[str]
    given: dict[str, int]
    entries: list[dict] = field(default_factory=list)
    connections: dict[str, dict] = field(default_factory=dict)
    options: dict = field(default_factory=dict)
    names: dict[str, Counter] = field(default_factory=dict)
    pairs: set[tuple[str, str]] = field(default_factory=set)
    #: Pairs of flows this manifest makes: ``(flow's name, audience)``.
    own_pairs: set[tuple[str, str]] = field(default_factory=set)
    gone: set[str] = field(default_factory=set)
    disabled: set[str] = field(default_factory=set)
    extended: int = 0
    retried: str = ""

    def wants(self, collection, name):
        self.names.setdefault(collection, Counter())[name] += 1

    def move(self):
        """Want every audience export in another folder; whether there is any."""
        mine = [entry for entry in self.entries if entry["kind"] == "audience-export"]
        for entry in mine:
            field = "path" if "path" in entry["target"] else "remotePath"
            entry["target"] = {**entry["target"], field: f"/moved{entry['target'][field]}"}
        return bool(mine)

    def write(self, stage, name):
        body = {"headgate": 1, "name": name, "sandbox": "dev", "connections": self.connections,
                "entries": self.entries, "options": self.options}  # fmt: skip
        (stage.folder / f"{name}.json").write_text(json.dumps(body))
        return f"{name}.json"


def draw(rng: Random) -> Wish:
    """What is to be tried, before there is a platform."""
    pieces = [piece for piece, chance in PIECES.items() if rng.random() < chance] or ["bucket"]
    given = {"flows": rng.randint(2, 5), "audiences": rng.randint(1, 3), "datasetFlows": 0, "sourceFlows": 0}
    if "update" in pieces:
        given["datasetFlows"] = rng.randint(1, 10)
    if "retry" in pieces:
        given["sourceFlows"] = 1
    if not {"activation", "switch", "remove", "watch"} & set(pieces):
        given["flows"] = given["audiences"] = 0
    return Wish(rng, pieces, given)


def furnish(wish: Wish, stage) -> None:
    """Make the manifest for the platform of ``stage``, and let there be runs where some are needed."""
    rng, pieces = wish.rng, wish.pieces
    free = [flow for flow in stage.objects("flows") if flow["name"].startswith("Existing flow")]
    rng.shuffle(free)
    made = _exports(wish)
    if "lake" in pieces:
        _lake(wish)
    if "tables" in pieces:
        _tables(wish)
    actions = []
    if "switch" in pieces and len(free) > 1:
        actions.append(_switch(wish, free.pop()))
    if "remove" in pieces and len(free) > 1:
        actions.append(_remove(wish, free.pop()))
    if "retry" in pieces:
        wish.retried = kinds.with_a_failed_run(stage)
        actions.append({"kind": "flow-action", "name": "again", "action": "retry", "flows": [wish.retried]})
    if "update" in pieces:
        wish.extended = sum(
            flow["scheduleParams"].get("endTime", kinds.END) < 1_790_000_000
            for flow in stage.objects("flows") if flow["name"].startswith("Existing dataset")
        )  # fmt: skip
        actions += kinds.update(stage)
    if "watch" in pieces and free:
        kinds.with_runs(stage)
        actions.append({"kind": "watch", "name": "look", "flows": [flow["id"] for flow in free]})
    if "activation" in pieces and (free or made):
        actions += _activations(wish, free, made)
    rng.shuffle(actions)
    wish.entries += actions
    if rng.random() < 0.7:
        wish.options["audiencesPerJob"] = rng.choice([1, 2, 3, 10, 80])


def _exports(wish):
    """Audience exports: the flows' names and their audiences."""
    rng, made = wish.rng, {}
    for piece, prefix, connection, target in (
        ("bucket", "Bucket", kinds.BUCKET, {"bucketName": "acme", "path": "/a/${row}"}),
        ("mail", "Mail", kinds.MAIL, {"mode": "FTP", "remotePath": "/m/${row}"}),
    ):
        if piece not in wish.pieces:
            continue
        count, chosen = rng.randint(1, 5), rng.sample(kinds.AUDIENCES, rng.randint(1, 3))
        audiences = [{"id": one, "exportMode": "DAILY_FULL_EXPORT", "schedule": kinds.DAILY} for one in chosen]
        wish.connections[piece] = connection
        wish.entries.append({
            "kind": "audience-export", "name": prefix + " ${row}", "foreach": {"range": [1, count]},
            "connection": piece, "target": target, "audiences": audiences, "attributes": ["person.name.firstName"],
        })  # fmt: skip
        for number in range(1, count + 1):
            made[f"{prefix} {number}"] = chosen
            for collection in ("sourceConnections", "targetConnections", "flows"):
                wish.wants(collection, f"{prefix} {number}")
    return made


def _lake(wish):
    entry = {**kinds.lake(None)[0], "foreach": {"range": [1, wish.rng.randint(1, 4)]}}
    wish.connections["bucket"] = kinds.BUCKET
    wish.entries.append(entry)
    for number in range(1, entry["foreach"]["range"][1] + 1):
        for collection in ("sourceConnections", "targetConnections", "flows"):
            wish.wants(collection, f"Lake {number}")


def _tables(wish):
    entry = {**kinds.ingestions(None)[0], "foreach": {"range": [1, wish.rng.randint(1, 3)]}}
    wish.connections["desk"] = kinds.DESK
    wish.entries.append(entry)
    for number in range(1, entry["foreach"]["range"][1] + 1):
        wish.wants("dataSets", f"Set {number}")
        for collection in ("sourceConnections", "targetConnections", "flows"):
            wish.wants(collection, f"Table {number}")


def _switch(wish, flow):
    wish.disabled.add(flow["id"])
    return {"kind": "flow-action", "name": "wait", "action": "disable", "flows": [flow["id"]]}


def _remove(wish, flow):
    wish.gone.add(flow["id"])
    where = f"id == '{flow['id']}'"
    export = "inheritedAttributes.properties.isDestinationFlow==true"
    return {"kind": "flow-action", "name": "remove", "action": "delete",
            "select": {"property": [export], "where": where}}  # fmt: skip


def _activations(wish, free, made):
    rng, entries = wish.rng, []
    destinations = {flow["id"]: kinds.audiences_of(flow) for flow in free}
    wish.pairs |= {(flow, audience) for flow, found in destinations.items() for audience in found}
    chosen = {name: found for name, found in made.items() if rng.random() < 0.8}
    wish.own_pairs |= {(name, audience) for name, found in chosen.items() for audience in found}
    together = {**destinations, **chosen}
    if len(together) > 2 and rng.random() < 0.4:  # two activations that share audiences
        names = sorted(together)
        half = rng.randint(1, len(names) - 1)
        parts = [{name: together[name] for name in names[:half]}, {name: together[name] for name in names[half:]}]
    else:
        parts = [together]
    for number, part in enumerate(parts, 1):
        if part:
            version = rng.choice([1, 2, 2])
            entries.append({"kind": "activation", "name": f"now {number}", "apiVersion": version, "destinations": part})
    return entries
