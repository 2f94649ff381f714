"""Peers get the same work, and what is not installed is said, not measured."""

from __future__ import annotations

import asyncio
import threading
from concurrent.futures.thread import BrokenThreadPool

import pytest
from benchmarks import ceiling
from benchmarks.bench import Bench
from benchmarks.peers import chains_of, shared, threaded
from benchmarks.plans import chains
from benchmarks.scenarios import peers


async def test_every_chain_is_posted_in_order_by_threads_with_clients_of_their_own():
    made, clients = [], []

    def make():
        clients.append(None)

        def post(collection, body):
            made.append((collection, body["name"], body.get("baseConnectionId")))
            return {"id": f"id of {body['name']}"}

        return post

    lapped = await threaded(make, chains_of(chains(6, 4)), 3)
    assert lapped.count == len(made) == 24
    assert len(clients) == 3
    for number in range(6):
        mine = [(name, needed) for _, name, needed in made if name.startswith(f"chain {number:04d}")]
        names = [name for name, _ in mine]
        assert names == sorted(names)
        assert [needed for _, needed in mine] == [None, *(f"id of {name}" for name in names[:-1])]
    assert {name for name, *_ in made} == {"connections", "sourceConnections", "targetConnections", "flows"}


async def test_an_answer_without_an_object_ends_the_measurement():
    with pytest.raises(RuntimeError, match="answered"):
        await threaded(lambda: lambda *_: {"error": 1}, chains_of(chains(1, 1)), 2)


async def test_a_client_that_cannot_be_made_ends_the_measurement_too():
    def make():
        raise OSError("no token")

    with pytest.raises((threading.BrokenBarrierError, BrokenThreadPool)):
        await threaded(make, chains_of(chains(1, 1)), 2)


def test_one_client_may_serve_all_threads():
    made = []
    make = shared(lambda url: lambda: made.append(url) or made.append)("http://localhost")
    assert make() == make()
    assert made == ["http://localhost"]


def test_peers_that_are_not_installed_are_named_and_left_out(monkeypatch, capsys, tmp_path):
    monkeypatch.setattr(peers, "absent", lambda *modules: list(modules))
    assert asyncio.run(peers.run(Bench(tmp_path, scale=0.01))) == []
    assert "no aepp, it is not installed: pip install '.[peers]'" in capsys.readouterr().err


PRINTED = {
    "wrk": "Running 3s test @ http://127.0.0.1:1/\n  114514 requests in 3.00s, 23.15MB read\nRequests/sec:  38171.33\n",
    "oha": "Summary:\n  Success rate:\t100.00%\n  Total:\t3.0012 secs\n  Requests/sec:\t38171.33\n",
    "hey": "Summary:\n  Total:\t3.0021 secs\n  Requests/sec:\t38171.33\n",
}


@pytest.mark.parametrize("client", ceiling.CLIENTS)
def test_the_ceiling_is_what_a_client_prints(client, monkeypatch, tmp_path):
    printed = tmp_path / "printed"
    printed.write_text(PRINTED[client])
    tool = tmp_path / client
    tool.write_text(f'#!/bin/sh\necho "$@" > {tmp_path}/asked\nexec cat {printed}\n')
    tool.chmod(0o755)
    monkeypatch.setenv("PATH", f"{tmp_path}:/usr/bin:/bin")
    monkeypatch.setattr(ceiling, "CLIENTS", (client,))
    room = tmp_path / "room"
    room.mkdir()
    assert ceiling.ceiling("http://127.0.0.1:1", {"name": "x"}, 50, room) == (client, 38171.33)
    assert "http://127.0.0.1:1/data/foundation/flowservice/flows" in (tmp_path / "asked").read_text()
    assert not list(room.iterdir())


def test_without_such_a_client_there_is_no_ceiling(monkeypatch, tmp_path):
    monkeypatch.setenv("PATH", str(tmp_path))
    assert ceiling.ceiling("http://127.0.0.1:1", {}, 50, tmp_path) is None
    with pytest.raises(RuntimeError, match="did not say"):
        ceiling.per_second("unable to connect")
