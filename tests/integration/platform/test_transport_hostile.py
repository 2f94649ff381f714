"""What is read of an answer has an end, in bytes and in time, however it is packed and however slowly it comes."""

from __future__ import annotations

import asyncio
import time
import tracemalloc
import zlib
from contextlib import asynccontextmanager

import pytest

from headgate.clock import SystemClock
from headgate.exchange import Call, Verdict
from headgate.platform import PlatformSettings, Transport
from headgate.secret import Secret

HEAD = b"HTTP/1.1 200 OK\r\nContent-Type: application/json\r\n"
#: What reading one answer may take, MiB: the longest one that is read, and some pieces on their way.
MEMORY = 24


def read(path="/flows"):
    return Call("GET", "flow", path, "GET /flows", "read")


def create():
    return Call("POST", "flow", "/flows", "POST /flows", "create", body={"name": "n"})


@asynccontextmanager
async def serving(answer, **settings):
    """A server that sends ``answer(writer)`` to every request, and a transport that talks to it."""

    async def handle(reader, writer):
        try:
            await reader.readuntil(b"\r\n\r\n")
            await answer(writer)
        except (OSError, asyncio.IncompleteReadError):
            pass
        finally:
            writer.transport.abort()

    server = await asyncio.start_server(handle, "127.0.0.1", 0)
    url = f"http://127.0.0.1:{server.sockets[0].getsockname()[1]}"
    usual = {"org_id": "o", "client_id": "c", "sandbox": "dev", "access_token": Secret("t")}
    settings = PlatformSettings(platform_url=url, ims_url=f"{url}/ims", **usual, **settings)
    async with Transport(settings, SystemClock()) as transport:
        yield transport
    server.close()
    await server.wait_closed()


async def measured(answer, call):
    """The answer to ``call``, and the most memory that it took, MiB."""
    async with serving(answer) as transport:
        tracemalloc.start()
        try:
            found = await transport.perform(call)
            return found, tracemalloc.get_traced_memory()[1] / 1024 / 1024
        finally:
            tracemalloc.stop()


def packed(megabytes):
    packer, block = zlib.compressobj(9, zlib.DEFLATED, 31), b" " * (1 << 20)
    return b"".join([*(packer.compress(block) for _ in range(megabytes)), packer.flush()])


@pytest.mark.parametrize("call", [read(), create()], ids=["read", "create"])
async def test_a_gzip_bomb_is_unpacked_no_further_than_is_read(call):
    bomb = packed(96)
    assert len(bomb) < 100_000

    async def answer(writer):
        writer.write(HEAD + b"Content-Encoding: gzip\r\nContent-Length: %d\r\n\r\n" % len(bomb) + bomb)
        await writer.drain()
        await asyncio.sleep(0.2)

    found, peak = await measured(answer, call)
    assert found.verdict is (Verdict.LOST if call.effect else Verdict.REJECTED)
    assert peak < MEMORY, f"{peak:.0f} MiB"


async def test_a_body_that_never_ends_is_not_read_to_its_end():
    block = b"100000\r\n" + b" " * (1 << 20) + b"\r\n"

    async def answer(writer):
        writer.write(HEAD + b"Transfer-Encoding: chunked\r\n\r\n")
        while True:
            writer.write(block)
            await writer.drain()

    found, peak = await measured(answer, read())
    assert (found.verdict, found.problem.code) == (Verdict.REJECTED, "answer_too_long")
    assert peak < MEMORY, f"{peak:.0f} MiB"


async def test_many_long_answers_at_once_are_read_in_turns():
    block = b"%x\r\n" % (7 << 20) + b" " * (7 << 20) + b"\r\n0\r\n\r\n"

    async def answer(writer):
        writer.write(HEAD + b"Transfer-Encoding: chunked\r\n\r\n")
        for at in range(0, len(block), 1 << 16):
            writer.write(block[at : at + (1 << 16)])
            await writer.drain()
        await asyncio.sleep(0.2)

    async with serving(answer) as transport:
        tracemalloc.start()
        try:
            found = await asyncio.gather(*(transport.perform(read()) for _ in range(24)))
            peak = tracemalloc.get_traced_memory()[1] / 1024 / 1024
        finally:
            tracemalloc.stop()
    assert {answer.verdict for answer in found} == {Verdict.OK}
    assert peak < 200, f"{peak:.0f} MiB, where 24 at once would be 336"


async def test_headers_that_never_end_are_not_read_to_their_end():
    async def answer(writer):
        writer.write(b"HTTP/1.1 200 OK\r\n")
        while True:
            writer.write(b"X-More: " + b"x" * 4000 + b"\r\n")
            await writer.drain()

    found, peak = await measured(answer, create())
    assert found.verdict is Verdict.LOST
    assert peak < MEMORY, f"{peak:.0f} MiB"


@pytest.mark.parametrize("part", ["head", "body"])
async def test_the_timeout_is_for_the_whole_answer(part):
    """A byte every 20 ms is never a silence; still it is over when the time is."""

    async def answer(writer):
        if part == "body":
            writer.write(HEAD + b"Content-Length: 5000\r\n\r\n")
        for byte in b"HTTP/1.1 200 OK\r\nX: " + b"x" * 5000:
            writer.write(bytes([byte]))
            await writer.drain()
            await asyncio.sleep(0.02)

    async with serving(answer, timeout_s=0.3) as transport:
        began = time.monotonic()
        assert (await transport.perform(create())).verdict is Verdict.LOST
        assert (await transport.perform(read())).verdict is Verdict.LOST
        assert time.monotonic() - began < 5.0  # of the more than hundred seconds that it would take


async def test_a_message_of_megabytes_is_read_in_no_time():
    """Patterns that look for secrets may take the square of a text's length."""
    text = b"eyJ" * 1_000_000 + b"supplied version" * 100_000

    async def answer(writer):
        body = b'{"message":"' + text + b'"}'
        writer.write(b"HTTP/1.1 400 No\r\nContent-Length: %d\r\n\r\n" % len(body) + body)
        await writer.drain()
        await asyncio.sleep(1)

    async with serving(answer) as transport:
        began = time.monotonic()
        found = await transport.perform(create())
    assert found.verdict is Verdict.REJECTED
    assert len(found.problem.message) <= 500
    assert time.monotonic() - began < 5.0


@pytest.mark.parametrize("path", ["/flows/../connections/x", "/flows/..", "/flows/./x"])
async def test_a_path_that_leads_elsewhere_is_not_sent(path):
    async def answer(writer):
        raise AssertionError("it was sent")

    async with serving(answer) as transport:
        found = await transport.perform(read(path))
    assert (found.verdict, found.requests, found.problem.code) == (Verdict.REJECTED, 0, "unsendable")
