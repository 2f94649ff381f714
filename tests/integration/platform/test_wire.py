"""What goes over the wire, by either way, byte by byte, against servers that answer what they are told to."""

import asyncio
import gzip
from contextlib import asynccontextmanager

import aiohttp
import pytest
from multidict import CIMultiDict
from yarl import URL

from headgate.platform import wire
from headgate.platform.client import Client
from headgate.platform.headers import Head
from headgate.platform.wire import Wire

NONE = Head(CIMultiDict({"Accept": "application/json"}), "Accept: application/json\r\n")
OK = b"HTTP/1.1 200 OK\r\nContent-Length: 2\r\n\r\n{}"


@asynccontextmanager
async def wired(way, *answers, timeout_s=5.0, limit=1):
    """A way to a server that gives ``answers`` one by one, however many connections; what the server read."""
    heard, left, served = [], list(answers), []

    async def serve(reader, writer):
        served.append(asyncio.current_task())
        heard.append([])
        while head := await reader.read(65536):
            heard[-1].append(head)
            answer = left.pop(0)
            if answer is None:
                break
            writer.write(answer)
        writer.close()
        await writer.wait_closed()

    server = await asyncio.start_server(serve, "127.0.0.1", 0)
    port = server.sockets[0].getsockname()[1]
    async with server:
        async with aiohttp.ClientSession(connector=aiohttp.TCPConnector(limit=limit)) as session:
            over = way(session, URL(f"http://127.0.0.1:{port}"), timeout_s, 1.0)
            yield over, heard
            over.close()
        await asyncio.wait(served)


@pytest.fixture(params=[Wire, Client])
def way(request):
    return request.param


async def test_head_and_body_leave_in_one_piece():
    head = Head(CIMultiDict({"X-One": "1"}), "X-One: 1\r\n")
    async with wired(Wire, OK) as (sent, heard):
        reply = await sent.exchange("POST", "/a?b=c", head, b'{"a":1}')
    assert (reply.status, reply.raw, reply.headers["content-length"]) == (200, b"{}", "2")
    head, _, body = heard[0][0].decode().partition("\r\n\r\n")
    first, host, encodings, *rest = head.split("\r\n")
    assert first == "POST /a?b=c HTTP/1.1"
    assert host.startswith("Host: 127.0.0.1:")
    assert encodings.startswith("Accept-Encoding: gzip")
    assert (rest, body) == (["X-One: 1", "Content-Length: 7"], '{"a":1}')


async def test_both_ways_send_the_same():
    head = Head(
        CIMultiDict({"X-One": "1", "User-Agent": "headgate", "Content-Type": "application/json"}),
        "X-One: 1\r\nUser-Agent: headgate\r\nContent-Type: application/json\r\n",
    )
    said = []
    for way in (Wire, Client):
        async with wired(way, OK) as (sent, heard):
            await sent.exchange("PATCH", "/a%20b?c=d%2Be", head, b"[1]")
        whole = b"".join(heard[0])
        first, *lines = whole.decode().partition("\r\n\r\n")[0].split("\r\n")
        said.append((first, sorted(line for line in lines if not line.startswith("Host:")), whole[-3:]))
    assert said[0] == said[1]


def test_a_version_that_was_not_tried_is_not_gone_past(monkeypatch):
    for version in ("3.14.2", "3.14.17"):
        monkeypatch.setattr(aiohttp, "__version__", version)
        assert Wire.known()
    for version in ("3.13.5", "3.15.0", "4.0.0a1", "3.140.0"):
        monkeypatch.setattr(aiohttp, "__version__", version)
        assert not Wire.known()


@pytest.mark.parametrize(("method", "said"), [("DELETE", True), ("POST", True), ("GET", False)])
async def test_a_request_without_a_body_says_so_unless_it_never_has_one(way, method, said):
    async with wired(way, OK) as (sent, heard):
        await sent.exchange(method, "/", NONE, None)
    assert (b"Content-Length: 0\r\n" in heard[0][0]) is said


async def test_answers_that_only_inform_are_passed_over(way):
    informs = b"HTTP/1.1 103 Early Hints\r\nLink: </x>\r\n\r\nHTTP/1.1 100 Continue\r\n\r\n"
    async with wired(way, informs + OK) as (sent, _):
        assert (await sent.exchange("GET", "/", NONE, None)).status == 200


async def test_a_connection_is_used_again_while_it_may_be(way):
    closing = OK.replace(b"\r\n\r\n", b"\r\nConnection: close\r\n\r\n")
    async with wired(way, OK, closing, OK) as (sent, heard):
        for _ in range(3):
            assert (await sent.exchange("GET", "/", NONE, None)).raw == b"{}"
    assert [len(requests) for requests in heard] == [2, 1]


async def test_answers_of_every_framing_come_one_after_another_on_one_connection(way):
    packed = gzip.compress(b'{"a":1}')
    framed = (
        b"HTTP/1.1 200 OK\r\nTransfer-Encoding: chunked\r\n\r\n3\r\n[1,\r\n2\r\n2]\r\n0\r\nX-Last: 1\r\n\r\n",
        b"HTTP/1.1 204 No Content\r\n\r\n",
        b"HTTP/1.1 200 OK\r\nContent-Encoding: gzip\r\nContent-Length: %d\r\n\r\n%b" % (len(packed), packed),
        b"HTTP/1.1 304 Not Modified\r\nContent-Length: 9\r\n\r\n",
        OK,
    )
    async with wired(way, *framed, *framed) as (sent, heard):
        found = [(await sent.exchange("GET", "/", NONE, None)).raw for _ in range(2 * len(framed))]
    assert found == 2 * [b"[1,2]", b"", b'{"a":1}', b"", b"{}"]
    assert [len(requests) for requests in heard] == [10]


async def test_a_connection_on_which_more_came_than_was_asked_for_is_not_used_again():
    """What it says would be taken for the answer to the next request."""
    evil = b"HTTP/1.1 200 OK\r\nContent-Length: 4\r\n\r\nevil"
    async with wired(Wire, OK + evil, OK) as (sent, heard):
        assert (await sent.exchange("GET", "/", NONE, None)).raw == b"{}"
        assert (await sent.exchange("GET", "/", NONE, None)).raw == b"{}"
    assert len(heard) == 2


async def test_nor_is_one_on_which_it_came_later():
    evil = b"HTTP/1.1 200 OK\r\nContent-Length: 4\r\n\r\nevil"
    async with wired(Wire, OK, OK) as (sent, heard):
        assert (await sent.exchange("GET", "/", NONE, None)).raw == b"{}"
        ((connection, _),) = sent._idle
        connection.protocol.data_received(evil)
        assert (await sent.exchange("GET", "/", NONE, None)).raw == b"{}"
    assert len(heard) == 2


async def test_half_of_what_was_not_asked_for_is_not_completed_by_the_next_answer():
    evil = b"HTTP/1.1 200 OK\r\nContent-Length: 4\r\n\r\nevil"
    async with wired(Wire, OK, evil[20:] + OK) as (sent, _):
        assert (await sent.exchange("GET", "/", NONE, None)).raw == b"{}"
        ((connection, _),) = sent._idle
        connection.protocol.data_received(evil[:20])
        with pytest.raises(aiohttp.ClientError):
            await sent.exchange("GET", "/", NONE, None)


async def test_what_was_given_back_is_not_used_again_either_if_more_came_on_it():
    evil = b"HTTP/1.1 200 OK\r\nContent-Length: 4\r\n\r\nevil"
    async with wired(Wire, OK, OK) as (sent, heard):
        await sent.exchange("GET", "/", NONE, None)
        ((connection, _),) = sent._idle
        protocol = connection.protocol
        with sent.sharing():
            protocol.data_received(evil)
        assert (await sent.exchange("GET", "/", NONE, None)).raw == b"{}"
    assert len(heard) == 2


async def test_what_is_given_back_late_is_closed(monkeypatch):
    async with wired(Wire, OK, OK) as (sent, heard):
        await sent.exchange("GET", "/", NONE, None)
        monkeypatch.setattr(wire, "KEPT_S", 0.0)
        with sent.sharing():
            await sent.exchange("GET", "/", NONE, None)
    assert len(heard) == 2


async def test_a_connection_that_was_not_used_for_long_is_not_used_again(monkeypatch):
    monkeypatch.setattr(wire, "KEPT_S", 0.0)
    async with wired(Wire, OK, OK) as (sent, heard):
        for _ in range(2):
            await sent.exchange("GET", "/", NONE, None)
    assert len(heard) == 2


async def test_who_waits_for_a_connection_gets_the_next_that_is_free(way):
    async with wired(way, *[OK] * 5) as (sent, heard):
        replies = await asyncio.gather(*(sent.exchange("GET", "/", NONE, None) for _ in range(5)))
    assert [reply.raw for reply in replies] == [b"{}"] * 5
    assert [len(requests) for requests in heard] == [5]


async def test_while_somebody_else_asks_for_a_connection_none_is_kept():
    async with wired(Wire, OK, OK) as (sent, heard):
        await sent.exchange("GET", "/", NONE, None)
        assert len(sent._idle) == 1
        with sent.sharing():
            assert not sent._idle
            await sent.exchange("GET", "/", NONE, None)
            assert not sent._idle
    assert [len(requests) for requests in heard] == [2]


async def test_a_connection_that_broke_is_not_used_again_and_nothing_is_sent_twice(way):
    async with wired(way, None, OK) as (sent, heard):
        with pytest.raises(aiohttp.ServerDisconnectedError):
            await sent.exchange("GET", "/", NONE, None)
        assert (await sent.exchange("GET", "/", NONE, None)).status == 200
    assert [len(requests) for requests in heard] == [1, 1]


async def test_a_connection_of_a_cancelled_request_is_not_used_again(way):
    async with wired(way, b"", OK) as (sent, heard):
        task = asyncio.create_task(sent.exchange("GET", "/", NONE, None))
        while not (heard and heard[0]):
            await asyncio.sleep(0)
        task.cancel()
        with pytest.raises(asyncio.CancelledError):
            await task
        assert (await sent.exchange("GET", "/", NONE, None)).status == 200
    assert len(heard) == 2


async def test_an_answer_that_is_none_is_a_break(way):
    async with wired(way, b"SMTP ready\r\n\r\n") as (sent, _):
        with pytest.raises(aiohttp.ClientError):
            await sent.exchange("GET", "/", NONE, None)


async def test_a_status_is_true_though_its_body_breaks_off(way):
    async with wired(way, OK.replace(b"2\r\n", b"9\r\n"), timeout_s=0.2) as (sent, _):
        reply = await sent.exchange("GET", "/", NONE, None)
    assert (reply.status, reply.raw, reply.too_long) == (200, None, False)
