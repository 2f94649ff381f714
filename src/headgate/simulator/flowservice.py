"""Flow Service requests: create, read, list, patch, delete, act. Rules live in their own files; this is the
order of asking (facts 2).
"""

from __future__ import annotations

from typing import TYPE_CHECKING, Any

from headgate.simulator import connections, datasets, flows
from headgate.simulator.dataset_runs import settle_runs
from headgate.simulator.filters import FIELDS
from headgate.simulator.gateway import json_body
from headgate.simulator.notes import note_parts
from headgate.simulator.paging import Query, page, read_query
from headgate.simulator.patch import patched
from headgate.simulator.reply import Ask, Reply, etag_conflict, generic, message, not_found, problem
from headgate.simulator.retrigger import retrigger
from headgate.simulator.runs import Run, run_view
from headgate.simulator.source_runs import ORIGIN, begin_due, source_run_view
from headgate.simulator.store import KINDS, Entity, audience_selectors, new_entity, operation, shown

if TYPE_CHECKING:
    from headgate.simulator.filters import Condition
    from headgate.simulator.world import World

BASE = "/data/foundation/flowservice"
_BUSY = ("updating", "disabling", "enabling")
_DYING = "delete-finalizing"
_CLIENT = "headgate_simulator"


def handle(world: World, ask: Ask) -> Reply:
    """Answer a request under ``BASE``; ``ask.path`` is what follows it."""
    world.bury()
    match [ask.method, *ask.path.split("/")]:
        case ["POST", ("connections" | "sourceConnections" | "targetConnections" | "flows") as kind]:
            return _create(world, ask, kind)
        case ["GET", ("connections" | "sourceConnections" | "targetConnections" | "flows") as kind]:
            return _list(world, ask, kind)
        case ["GET", "runs"]:
            return _list_runs(world, ask)
        case ["GET", "runs", run_id]:
            return _get_run(world, ask, run_id)
        case ["GET", ("connectionSpecs" | "flowSpecs") as kind, *rest] if len(rest) < 2:
            return _specs(world, ask, kind, rest[0] if rest else None)
        case ["GET", "connectionSpecs", spec_id, "configs"]:
            return datasets.configs(world, ask, spec_id)
        case ["GET", "connections", entity_id, "test"]:
            _live(world, ask, "connections", entity_id)
            return Reply(200, {"result": True})
        case ["POST", "runs", run_id, "action"]:
            return retrigger(world, ask, run_id)
        case ["POST", "flows", entity_id, "action"]:
            return _act(world, ask, entity_id)
        case ["GET", kind, entity_id] if kind in KINDS:
            return Reply(200, {"items": [_view(world, kind, _live(world, ask, kind, entity_id))]})
        case ["PATCH", kind, entity_id] if kind in KINDS:
            return _patch(world, ask, kind, entity_id)
        case ["DELETE", kind, entity_id] if kind in KINDS:
            return _delete(world, ask, kind, entity_id)
        case _:
            raise generic(404, "NotFoundError", "Resource not found.", violation="path")


def _live(world: World, ask: Ask, kind: str, entity_id: str) -> Entity:
    entity = world.store.get(kind, entity_id)
    if entity is None or entity["sandboxName"] != ask.sandbox:
        raise not_found(kind, entity_id)
    return world.settle(entity)


def _view(world: World, kind: str, entity: Entity) -> dict[str, Any]:
    if kind == "flows":
        settle_runs(world, (entity,))
        begin_due(world, entity)
        return flows.flow_view(world.settle(entity), world.runs, world.now())
    return shown(entity)


def _create(world: World, ask: Ask, kind: str) -> Reply:
    body = json_body(ask)
    now = world.now()
    if any(name == "mode" for name, _ in ask.query):
        raise message(400, "drafts are not available on this platform", code="400:draft")
    match kind:
        case "connections":
            kept = connections.base_connection(world.specs, body)
        case "sourceConnections":
            kept = connections.source_connection(world.specs, world.store, body, ask.sandbox)
        case "targetConnections":
            kept = connections.target_connection(world.specs, world.store, body, ask.sandbox)
            datasets.note_uncompressed(world, ask, kept)
        case _:
            kept = flows.flow(world.specs, world.store, body, sandbox=ask.sandbox, now=now)
    etag, entity_id = world.ids.etag(now), world.ids.uuid()
    entity = new_entity(
        kind,
        kept,
        entity_id=entity_id,
        etag=etag,
        now_ms=int(now * 1000),
        sandbox=ask.sandbox,
        org=world.credentials.org_id,
        sequence=world.store.sequence + 1,
        client=_CLIENT,
    )
    world.commit("new", kind, entity)
    return Reply(201, {"id": entity_id, "etag": etag}, {"Location": f"{BASE}/{kind}/{entity_id}"})


def _narrowed(conditions: tuple[Condition, ...], path: str) -> tuple[str, ...] | None:
    return next((each.values for each in conditions if each.path == path and each.op == "=="), None)


def _list(world: World, ask: Ask, kind: str) -> Reply:
    query = read_query(ask, kind, world.options.default_limit)
    found = world.store.newest_first(
        kind, ask.sandbox, _narrowed(query.conditions, "id"), _narrowed(query.conditions, "name")
    )
    shown = ((sequence, entity) for sequence, entity in found if world.listed(entity))
    return page(query, shown, lambda entity: _view(world, kind, entity))


def _list_runs(world: World, ask: Ask) -> Reply:
    query: Query = read_query(ask, "runs", world.options.default_limit)
    _settle_runs(world, query)
    now, delay = world.now(), max(world.options.run_visible_after_s, world.options.list_lag_seconds)
    run_ids, flow_ids = _narrowed(query.conditions, "id"), _narrowed(query.conditions, "flowId")
    if run_ids is None:
        some = world.store.all("flows") if flow_ids is None else [world.store.get("flows", one) for one in flow_ids]
        for flow in some:
            if flow is not None and flow["sandboxName"] == ask.sandbox:
                begin_due(world, flow)
    found = world.runs.newest_first(ask.sandbox, run_ids, flow_ids)
    visible = ((sequence, run) for sequence, run in found if run["at"] + delay <= now)
    return page(query, visible, lambda run: _run_view(run, now))


def _run_view(run: Run, now: float) -> dict[str, Any]:
    return source_run_view(run, now) if run["origin"] == ORIGIN else run_view(run, now)


def _settle_runs(world: World, query: Query) -> None:
    """Write down the scheduled runs that this query may show."""
    named = _narrowed(query.conditions, "flowId")
    if named is None:
        settle_runs(world, list(world.store.all("flows")))
    else:
        found = (world.store.get("flows", flow_id) for flow_id in dict.fromkeys(named))
        settle_runs(world, [flow for flow in found if flow is not None])


def _get_run(world: World, ask: Ask, run_id: str) -> Reply:
    run, now = world.runs.by_id.get(run_id), world.now()
    if run is None or run["sandbox"] != ask.sandbox or run["at"] + world.options.run_visible_after_s > now:
        raise not_found("runs", run_id)
    return Reply(200, {"items": [_run_view(run, now)]})


def _specs(world: World, ask: Ask, kind: str, spec_id: str | None) -> Reply:
    views = world.specs.flow_spec_views() if kind == "flowSpecs" else world.specs.connection_spec_views()
    if spec_id is not None:
        found = [view for view in views if view["id"] == spec_id]
        if not found:
            raise not_found(kind, spec_id)
        return Reply(200, {"items": found})
    query = read_query(ask, kind, 100)
    return page(query, [(len(views) - index, view) for index, view in enumerate(views)], lambda view: view)


def _check_if_match(world: World, ask: Ask, entity: Entity) -> None:
    sent = ask.headers.get("If-Match")
    if sent is None:
        text = "The header 'If-Match' is missing in the request. Provide it and try again."
        raise problem("1403-400", text, violation="if-match")
    current = entity["etag"]
    if sent != current and not (world.options.lenient and sent == current.strip('"')):
        unquoted = sent == current.strip('"')
        refusal = etag_conflict(sent, current)
        refusal.violation = "if-match-unquoted" if unquoted else None
        raise refusal


def _patch(world: World, ask: Ask, kind: str, entity_id: str) -> Reply:
    entity = _live(world, ask, kind, entity_id)
    if entity["state"] in _BUSY:
        raise problem("1420-400", f'The flow in state "{entity["state"]}" cannot be updated.')
    if entity["state"] == _DYING:
        raise problem("1457-400", f"Operation update cannot be applied in state {_DYING}.")
    if ask.headers.get("If-Match") is None:
        _check_if_match(world, ask, entity)
    body = json_body(ask)
    _check_if_match(world, ask, entity)
    after = patched(entity, body)
    operations = body if isinstance(body, list) else [body]
    now = world.now()
    _check_patched(world, ask, kind, entity, after)
    note_parts(world, ask, kind, entity, operations)
    if kind == "connections" and any(each["path"].startswith("/auth") for each in operations):
        _recheck_auth(world, entity, after)
    now_ms, etag = int(now * 1000), world.ids.etag(now)
    after.update(updatedAt=now_ms, updatedBy=_CLIENT, etag=etag, version=etag)
    deferred = kind == "flows" and _is_deferred(world, entity_id)
    if kind == "flows":
        after["lastOperation"] = operation(now_ms, "update", operations, completed=not deferred)
    if deferred:
        after.update(
            {
                "state": "updating",
                "_stateAfter": entity["state"],
                "_etagAfter": world.ids.etag(now),
                "_busyUntil": now + world.options.update_seconds,
            }
        )
        if world.options.patch_shows == "when-done":
            shows_now = ("state", "lastOperation", "_stateAfter", "_etagAfter", "_busyUntil")
            after = {**entity, **{key: after[key] for key in shows_now}, "_after": after}
    world.commit("put", kind, after)
    return Reply(202) if deferred else Reply(200, {"id": entity_id, "etag": etag})


def _is_deferred(world: World, flow_id: str) -> bool:
    """Whether this flow's patches are accepted (202) rather than done (200): half of the flows by default
    (trap 3).
    """
    choice = world.options.patch_status
    return choice == "202" or (choice == "alternate" and int(flow_id[:8], 16) % 2 == 1)


def _check_patched(world: World, ask: Ask, kind: str, before: Entity, after: Entity) -> None:
    specs, store = world.specs, world.store
    connections.check_named(after)
    for field in after:
        if field not in before and field not in FIELDS[kind]:
            text = f'An error has occurred while validating patch instructions: Missing field "{field}".'
            raise problem("1455-400", text, violation="patch")
    if kind == "flows":
        if after.get("flowSpec") != before["flowSpec"]:
            raise message(400, "the flow spec of a flow cannot be updated", code="400:patch", violation="patch")
        if after["flowSpec"]["id"] not in specs.flow_specs:
            return  # somebody else's, of a source that is not modelled
        flows.check_flow(specs, store, after, before=audience_selectors(before), sandbox=ask.sandbox, now=world.now())
        return
    if after.get("connectionSpec") != before["connectionSpec"]:
        text = "The connection spec of a connection cannot be updated."
        raise problem("1414-400", text, violation="patch")
    if kind == "targetConnections":
        kept = connections.target_connection(specs, store, after, ask.sandbox)
        after["inheritedAttributes"] = kept["inheritedAttributes"]
    elif kind == "sourceConnections":
        connections.source_connection(specs, store, after, ask.sandbox)


def _recheck_auth(world: World, before: Entity, after: Entity) -> None:
    """A patch of ``/auth``: the whole params count, and a mask written back is no secret (trap 60)."""
    auth, spec_id = after.get("auth"), before["connectionSpec"]["id"]
    if not isinstance(auth, dict) or auth.get("specName") != (before.get("auth") or {}).get("specName"):
        text = "the auth type of a connection cannot be updated"
        raise message(400, text, code="400:patch", violation="patch")
    if "params" in auth:  # removing all params is among the published examples
        after["auth"] = connections.checked_auth(world.specs.account(spec_id), spec_id, auth)


def _delete(world: World, ask: Ask, kind: str, entity_id: str) -> Reply:
    entity = _live(world, ask, kind, entity_id)
    if entity["state"] in _BUSY:
        raise problem("1421-400", f'The flow in state "{entity["state"]}" cannot be transitioned.')
    if entity["state"] == _DYING:
        raise problem("1458-400", f"Operation delete cannot be applied in state {_DYING}.")
    if kind != "flows" and (world.store.users(entity_id) or world.store.based(entity_id)):
        if kind == "connections" and world.store.users(entity_id):
            text = (
                f"The base connection with the ID {entity_id} cannot be deleted because the base connection "
                "is being used in one or more flows. Delete them and try again."
            )
            raise problem("1418-400", text, violation="delete-order")
        # Whether a flow protects its source and target connections, and these their base connection, is
        # undocumented; the order is documented (facts 2.8, 11.3): done, and noted.
        world.commit(
            "violation",
            {
                "rule": "delete-order",
                "requestId": ask.request_id,
                "endpoint": ask.endpoint,
                "detail": f"{kind} {entity_id} deleted while something uses it",
                "at": world.now(),
            },
        )
    choice = world.options.delete_status
    if choice == "204" or (choice == "alternate" and int(entity_id[:8], 16) % 2 == 1):
        world.commit("del", kind, entity_id)
        return Reply(204)
    if world.options.delete_seconds:
        world.commit("doom", kind, entity_id, world.now() + world.options.delete_seconds)
    else:
        world.commit("del", kind, entity_id)
    return Reply(202)


def _act(world: World, ask: Ask, entity_id: str) -> Reply:
    """``op=enable`` and ``op=disable`` in any case; the rest is for providers (facts 2.7)."""
    entity = _live(world, ask, "flows", entity_id)
    op = dict(ask.query).get("op", "").lower()
    if op in ("finalize", "finalize_update"):
        raise problem("1402-400", f"The action '{op}' is supported for provider requests only.", violation="action")
    if op not in ("enable", "disable"):
        raise problem("1435-400", f"Unsupported action '{op}' received.", violation="action")
    if entity["state"] in (*_BUSY, _DYING):
        raise problem("1422-400", f"The action {op} cannot be applied on current state {entity['state']}.")
    settle_runs(world, (entity,))
    now = world.now()
    etag = world.ids.etag(now)
    after = {**entity, "state": f"{op}d", "etag": etag, "version": etag, "updatedAt": int(now * 1000)}
    if op == "enable" and entity["state"] == "disabled":
        after["_enabledAt"] = now  # what was due before is not made up for
    world.commit("put", "flows", after)
    return Reply(200, {"id": entity_id, "etag": etag})
