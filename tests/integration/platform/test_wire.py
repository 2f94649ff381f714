"""What goes over the wire, byte by byte, against servers that answer what they are told to."""

import asyncio
from contextlib import asynccontextmanager

import aiohttp
import pytest
from yarl import URL

from headgate.platform.wire import Wire

OK = b"HTTP/1.1 200 OK\r\nContent-Length: 2\r\n\r\n{}"


@asynccontextmanager
async def wired(*answers, timeout_s=5.0, limit=1):
    """A wire to a server that gives ``answers`` one by one, however many connections; what the server read."""
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
            yield Wire(session, URL(f"http://127.0.0.1:{port}"), timeout_s, 1.0), heard
        await asyncio.wait(served)


async def test_head_and_body_leave_in_one_piece():
    async with wired(OK) as (wire, heard):
        reply = await wire.exchange("POST", "/a?b=c", "X-One: 1\r\n", b'{"a":1}')
    assert (reply.status, reply.raw, reply.headers["content-length"]) == (200, b"{}", "2")
    head, _, body = heard[0][0].decode().partition("\r\n\r\n")
    first, host, encodings, *rest = head.split("\r\n")
    assert first == "POST /a?b=c HTTP/1.1"
    assert host.startswith("Host: 127.0.0.1:")
    assert encodings.startswith("Accept-Encoding: gzip")
    assert (rest, body) == (["X-One: 1", "Content-Length: 7"], '{"a":1}')


@pytest.mark.parametrize(("method", "said"), [("DELETE", True), ("POST", True), ("GET", False)])
async def test_a_request_without_a_body_says_so_unless_it_never_has_one(method, said):
    async with wired(OK) as (wire, heard):
        await wire.exchange(method, "/", "", None)
    assert (b"Content-Length: 0\r\n" in heard[0][0]) is said


async def test_answers_that_only_inform_are_passed_over():
    informs = b"HTTP/1.1 103 Early Hints\r\nLink: </x>\r\n\r\nHTTP/1.1 100 Continue\r\n\r\n"
    async with wired(informs + OK) as (wire, _):
        assert (await wire.exchange("GET", "/", "", None)).status == 200


async def test_a_connection_is_used_again_while_it_may_be():
    closing = OK.replace(b"\r\n\r\n", b"\r\nConnection: close\r\n\r\n")
    async with wired(OK, closing, OK) as (wire, heard):
        for _ in range(3):
            assert (await wire.exchange("GET", "/", "", None)).raw == b"{}"
    assert [len(requests) for requests in heard] == [2, 1]


async def test_a_connection_that_broke_is_not_used_again_and_nothing_is_sent_twice():
    async with wired(None, OK) as (wire, heard):
        with pytest.raises(aiohttp.ServerDisconnectedError):
            await wire.exchange("GET", "/", "", None)
        assert (await wire.exchange("GET", "/", "", None)).status == 200
    assert [len(requests) for requests in heard] == [1, 1]


async def test_a_connection_of_a_cancelled_request_is_not_used_again():
    async with wired(b"", OK) as (wire, heard):
        task = asyncio.create_task(wire.exchange("GET", "/", "", None))
        while not (heard and heard[0]):
            await asyncio.sleep(0)
        task.cancel()
        with pytest.raises(asyncio.CancelledError):
            await task
        assert (await wire.exchange("GET", "/", "", None)).status == 200
    assert len(heard) == 2


async def test_an_answer_that_is_none_is_a_break():
    async with wired(b"SMTP ready\r\n\r\n") as (wire, _):
        with pytest.raises(aiohttp.ClientError):
            await wire.exchange("GET", "/", "", None)


async def test_a_status_is_true_though_its_body_breaks_off():
    async with wired(OK.replace(b"2\r\n", b"9\r\n"), timeout_s=0.2) as (wire, _):
        reply = await wire.exchange("GET", "/", "", None)
    assert (reply.status, reply.raw, reply.too_long) == (200, None, False)
