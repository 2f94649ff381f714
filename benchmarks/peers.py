"""What people write today: chains of POSTs by a pool of threads, each of which does one chain after the other.

Peers get what suits them best: a client, and so a connection, for each thread, made before the time is taken. (One
client for all threads, as is easily written, keeps ten connections and makes the others anew.) Nothing of theirs is
journaled, and nobody keeps to a rate.
"""

from __future__ import annotations

import asyncio
import threading
import warnings
from collections.abc import Callable, Mapping, Sequence
from concurrent.futures import ThreadPoolExecutor
from importlib import import_module
from importlib.util import find_spec
from typing import TYPE_CHECKING, Any

from benchmarks.measure import Lap, lap
from benchmarks.plain import HEADERS

if TYPE_CHECKING:
    from headgate.planning.model import Plan

#: Seconds until all threads have their clients.
PATIENCE_S = 60.0
#: Posts a body to a collection, gives the answer.
Post = Callable[[str, dict[str, Any]], Mapping[str, Any]]
#: One chain: collection and body of each link, to be completed by the id that the one before it got.
Chain = list[tuple[str, dict[str, Any]]]


def absent(*modules: str) -> list[str]:
    """Those that are not installed."""
    return [module for module in modules if find_spec(module) is None]


def chains_of(plan: Plan) -> list[Chain]:
    """The chains of a plan made by :func:`benchmarks.plans.chains`, as those take them who have no plan."""
    found: list[Chain] = []
    for job in plan.jobs:
        if not job.needs:
            found.append([])
        found[-1].append((job.collection, dict(job.spec.body)))
    return found


async def threaded(make: Callable[[], Post], work: Sequence[Chain], threads: int) -> Lap:
    """All chains, by ``threads`` threads with a client of their own each.

    Raises:
        RuntimeError: a POST was not answered by an object.
        threading.BrokenBarrierError: a client could not be made.
    """
    local = threading.local()
    ready = threading.Barrier(threads + 1, timeout=PATIENCE_S)

    def begin() -> None:
        try:
            local.post = make()
        except BaseException:
            ready.abort()
            raise
        ready.wait()

    def one(chain: Chain) -> None:
        before = ""
        for collection, body in chain:
            sent = {**body, "baseConnectionId": before} if before else body
            answer = local.post(collection, sent)
            if "id" not in answer:
                raise RuntimeError(f"the benchmark server answered {answer}")
            before = answer["id"]

    def all_of_it() -> Lap:
        with ThreadPoolExecutor(threads, initializer=begin) as pool:
            # A thread is started for each of the first tasks, and none of those ends before all are there.
            started = [pool.submit(lambda: None) for _ in range(threads)]
            ready.wait()
            for each in started:
                each.result()
            with lap(sum(map(len, work))) as found:
                for _ in pool.map(one, work):
                    pass
        return found

    return await asyncio.to_thread(all_of_it)


def shared(client: Callable[[str], Callable[[], Post]]) -> Callable[[str], Callable[[], Post]]:
    """One ``client`` for all threads."""

    def make(url: str) -> Callable[[], Post]:
        post = client(url)()
        return lambda: post

    return make


def by_requests(url: str) -> Callable[[], Post]:
    """A ``requests`` session."""
    requests: Any = import_module("requests")

    def make() -> Post:
        session = requests.Session()
        session.headers.update(HEADERS)
        session.trust_env = False  # no look for proxies before each request

        def post(collection: str, body: dict[str, Any]) -> Mapping[str, Any]:
            answer: Mapping[str, Any] = session.post(
                f"{url}/data/foundation/flowservice/{collection}", json=body
            ).json()
            return answer

        return post

    return make


def by_aepp(url: str) -> Callable[[], Post]:
    """An ``aepp`` client of Flow Service, unmodified: only its configuration points here."""
    with warnings.catch_warnings():
        warnings.simplefilter("ignore")  # what it and its many dependencies have to say is theirs
        aepp: Any = import_module("aepp")
        flowservice: Any = import_module("aepp.flowservice")

    def make() -> Post:
        flows = flowservice.FlowService()
        calls: dict[str, Callable[[dict[str, Any]], Mapping[str, Any]]] = {
            "connections": lambda body: flows.createConnection(data=body),
            "sourceConnections": flows.createSourceConnection,
            "targetConnections": lambda body: flows.createTargetConnection(data=body),
            "flows": lambda body: flows.createFlow("", obj=body),
        }
        return lambda collection, body: calls[collection](body)

    aepp.configure(
        org_id="benchmark@AdobeOrg",
        client_id="benchmark",
        secret="benchmark",  # noqa: S106 -- of nothing
        scopes="openid",
        sandbox="dev",
        environment="support",
        endpoint=url,
        retry=0,
    )
    aepp.config.config_object["oauthTokenEndpointV2"] = f"{url}/token"
    return make
