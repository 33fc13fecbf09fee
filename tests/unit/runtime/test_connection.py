"""Connections to servers that do what no well-behaved one does: kept, shared, repeated, given up, held back."""

import asyncio

import pytest
from kubernetes.client import Configuration

from steward.runtime import connection as connections
from steward.runtime import errors, pool
from steward.runtime import transport as transports
from steward.runtime.auth import Credentials
from steward.runtime.transport import Request
from support.managers import until
from support.scripted import Scripted, answering, scripted, transport_to

OK = b"HTTP/1.1 200 OK\r\nContent-Length: 2\r\n\r\nok"
CLOSE = b"HTTP/1.1 200 OK\r\nContent-Length: 2\r\nConnection: close\r\n\r\nok"
CHUNKED = b"HTTP/1.1 200 OK\r\nTransfer-Encoding: chunked\r\n\r\n"

GET = Request(errors.Call("get", "configmaps", "default", "a"), "GET", "/api/v1/namespaces/default/configmaps/a")
POST = Request(errors.Call("create", "configmaps", "default", "a"), "POST", "/api/v1/namespaces/default/configmaps", {}, b"{}")
WATCH = Request(errors.Call("watch", "configmaps", "default"), "GET", "/api/v1/namespaces/default/configmaps", {"watch": "true"})


def _to(server: Scripted, *, token: str = "", path: str = "") -> Credentials:
    configuration = Configuration(host=server.url + path)
    if token:
        configuration.api_key = {"authorization": token}
    return Credentials(configuration, user_agent="steward-test/1")


async def test_a_request_has_what_a_server_needs_and_nothing_else():
    request = Request(
        POST.call, "POST", "/apis/x/a b\r\nX: y", {"labelSelector": "a in (b,c)", "force": "true"}, b"{}", "application/apply-patch+yaml"
    )
    async with scripted(answering(OK)) as server, transport_to(_to(server, token="Bearer t\n", path="/k8s/clusters/c-1")) as transport:
        await transport.send(request, timeout=5)

    sent = (
        "POST /k8s/clusters/c-1/apis/x/a%20b%0D%0AX:%20y?labelSelector=a+in+%28b%2Cc%29&force=true HTTP/1.1\r\n"
        f"Host: {server.url.partition('//')[2]}\r\nAccept: application/json\r\nAccept-Encoding: identity\r\nUser-Agent: steward-test/1\r\n"
        "authorization: Bearer t\r\nContent-Type: application/apply-patch+yaml\r\nContent-Length: 2\r\n\r\n"
    )
    assert [sent] == server.heads


@pytest.mark.parametrize("token", ["Bearer a\r\nX-Injected: b", "Bearer ä", "Bearer a\x00"], ids=["two lines", "no ASCII", "zero byte"])
async def test_a_token_that_is_none_is_not_sent(token):
    async with scripted(answering(OK)) as server, transport_to(_to(server, token=token)) as transport:
        with pytest.raises(errors.ConnectFailed, match="the token holds characters that no token has"):
            await transport.send(GET, timeout=5)

    assert [] == server.heads


@pytest.mark.parametrize(
    ("first", "connections_made"),
    [
        (OK, 1),
        (CHUNKED + b"2\r\nok\r\n0\r\n\r\n", 1),
        (b"HTTP/1.1 100 Continue\r\n\r\n" + OK, 1),
        (CLOSE, 2),
        (b"HTTP/1.0 200 OK\r\nContent-Length: 2\r\n\r\nok", 2),
    ],
    ids=["length", "chunks", "interim", "close", "1.0"],
)
async def test_a_connection_is_used_again_if_the_server_reads_on(first, connections_made):
    async with scripted(answering(first, OK)) as server, transport_to(_to(server)) as transport:
        bodies = [(await transport.send(GET, timeout=5)).body for _ in range(2)]

    assert ([b"ok", b"ok"], connections_made) == (bodies, server.accepted)


async def test_an_answer_without_a_length_ends_with_the_connection():
    async with scripted(answering(b"HTTP/1.1 200 OK\r\n\r\nok", close=True)) as server, transport_to(_to(server)) as transport:
        assert b"ok" == (await transport.send(GET, timeout=5)).body
        async with transport.stream(WATCH, idle_timeout=5) as body:
            assert [b"ok"] == [piece async for piece in body]


@pytest.mark.parametrize(
    ("answer", "said"),
    [
        (b"HTTP/1.1 200 OK\r\nContent-Length: 9\r\n\r\nok", "closed in the middle of an answer"),
        (CHUNKED + b"2\r\nok\r\n", "closed in the middle of an answer"),
        (b"HTTP/1.1 200", "closed in the middle of an answer"),
        (b"220 smtp.example ESMTP\r\n", "not HTTP/1.1"),
        (OK + OK, "more than one answer to a request"),
    ],
    ids=["length", "chunks", "head", "another protocol", "two answers"],
)
async def test_what_is_no_answer_is_an_error_and_costs_the_connection(answer, said):
    """It is not asked again either: something had come."""
    async with scripted(answering(answer, close=True)) as server, transport_to(_to(server)) as transport:
        for request in (GET, POST):
            with pytest.raises(errors.StreamBroken, match=f"{request.call}: connection broke: {said}"):
                await transport.send(request, timeout=5)

    assert 2 == server.accepted


async def test_a_body_without_end_is_given_up(monkeypatch):
    monkeypatch.setattr(connections, "BODY_LIMIT", 1000)
    endless = answering(CHUNKED + b"400\r\n" + b"x" * 1024 + b"\r\n")
    async with scripted(endless) as server, transport_to(_to(server)) as transport:
        with pytest.raises(errors.StreamBroken, match="a body of more than 1000 bytes"):
            await transport.send(GET, timeout=5)
        await until(lambda: not server.open, seconds=2)


async def test_a_long_error_is_not_read_to_its_end(monkeypatch):
    monkeypatch.setattr(transports, "ERROR_LIMIT", 1000)
    endless = answering(b"HTTP/1.1 500 Oh\r\nTransfer-Encoding: chunked\r\n\r\n400\r\n" + b"x" * 1024 + b"\r\n")
    async with scripted(endless) as server, transport_to(_to(server)) as transport:
        with pytest.raises(errors.ServerError, match="watch configmaps default: 500"):
            await anext(transport.stream(WATCH, idle_timeout=5).gen)
        await until(lambda: not server.open, seconds=2)


@pytest.mark.parametrize("said", [b"HTTP/1.1 408 Request Timeout\r\nContent-Length: 0\r\n\r\n", OK, b"\r\n"], ids=["goodbye", "answer", "line"])
async def test_what_comes_unasked_is_no_answer_to_the_next_request(said):
    """Load balancers say 408 before they close; a confused proxy may send the answer of somebody else."""
    speak = asyncio.Event()

    async def handle(seen: Scripted, reader: asyncio.StreamReader, writer: asyncio.StreamWriter) -> None:
        await seen.request(reader)
        writer.write(OK)
        if seen.accepted == 1:
            await speak.wait()
            writer.write(said)
        await reader.read()

    async with scripted(handle) as server, transport_to(_to(server)) as transport:
        await transport.send(GET, timeout=5)
        speak.set()
        await until(lambda: not server.open, seconds=2)
        assert b"ok" == (await transport.send(POST, timeout=5)).body

    assert 2 == server.accepted


async def test_connections_that_rest_too_long_are_closed(monkeypatch):
    """By us, before the server does it, perhaps just when we write."""
    monkeypatch.setattr(pool, "KEPT", 0.05)
    async with scripted(answering(OK, OK)) as server, transport_to(_to(server)) as transport:
        await transport.send(GET, timeout=5)
        await until(lambda: not server.open, seconds=2)
        await transport.send(GET, timeout=5)

    assert 2 == server.accepted


async def _die_on_the_second_request(seen: Scripted, reader: asyncio.StreamReader, writer: asyncio.StreamWriter) -> None:
    """As a server that closes idle connections just when they are used again."""
    await seen.request(reader)
    writer.write(OK)
    await seen.request(reader)


async def test_a_read_on_a_kept_connection_that_dies_is_repeated_on_a_new_one():
    """Not on another kept one: that may be as dead."""
    async with scripted(_die_on_the_second_request) as server, transport_to(_to(server)) as transport:
        await asyncio.gather(*(transport.send(GET, timeout=5) for _ in range(3)))
        assert 3 == server.accepted
        assert b"ok" == (await transport.send(GET, timeout=5)).body
        assert 4 == server.accepted


async def test_a_watch_on_a_kept_connection_that_dies_is_repeated_on_a_new_one():
    async with scripted(_die_on_the_second_request) as server, transport_to(_to(server)) as transport:
        await transport.send(GET, timeout=5)
        async with transport.stream(WATCH, idle_timeout=5) as body:
            assert b"ok" == await anext(body)


async def test_a_write_on_a_kept_connection_that_dies_is_an_error():
    async with scripted(_die_on_the_second_request) as server, transport_to(_to(server)) as transport:
        await transport.send(POST, timeout=5)
        with pytest.raises(errors.StreamBroken, match="closed by the server"):
            await transport.send(POST, timeout=5)

    assert 2 == len(server.heads)


@pytest.mark.parametrize("streamed", [False, True], ids=["answer", "watch"])
async def test_a_request_given_up_closes_its_connection(streamed):
    """Its answer must not be that of the next request."""
    asked = asyncio.Event()

    async def handle(seen: Scripted, reader: asyncio.StreamReader, writer: asyncio.StreamWriter) -> None:
        await seen.request(reader)
        if seen.accepted == 1:
            asked.set()
        else:
            writer.write(OK)
        await reader.read()

    async with scripted(handle) as server, transport_to(_to(server)) as transport:
        given_up = asyncio.ensure_future(anext(transport.stream(WATCH, idle_timeout=5).gen) if streamed else transport.send(GET, timeout=5))
        await asked.wait()
        given_up.cancel()
        await asyncio.wait([given_up])
        assert given_up.cancelled()
        await until(lambda: not server.open, seconds=2)
        assert b"ok" == (await transport.send(GET, timeout=5)).body


async def test_nothing_stays_open_after_the_end():
    """Kept connections, requests and watches under way: all closed when ``close`` returns, and those who wait are told."""
    held = asyncio.Event()

    async def handle(seen: Scripted, reader: asyncio.StreamReader, writer: asyncio.StreamWriter) -> None:
        while True:
            await seen.request(reader)
            if "watch=true" in seen.heads[-1]:
                writer.write(CHUNKED)
            elif seen.heads[-1].startswith("GET"):
                writer.write(OK)
            else:
                held.set()

    async with scripted(handle) as server, transport_to(_to(server)) as transport:
        await transport.send(GET, timeout=5)
        async with transport.stream(WATCH, idle_timeout=5) as body:
            writing = asyncio.ensure_future(transport.send(POST, timeout=5))
            await held.wait()
            await transport.close()
            assert set() == transport._connections
            with pytest.raises(errors.StreamBroken):
                await anext(body)
            with pytest.raises(errors.StreamBroken):
                await writing
        await until(lambda: not server.open, seconds=2)
        with pytest.raises(errors.ConnectFailed, match="this process is ending"):
            await transport.send(GET, timeout=5)


async def test_requests_wait_for_their_turn_and_watches_do_not(monkeypatch):
    """In the order they came; a watch holds no place that others wait for."""
    monkeypatch.setattr(transports, "IN_USE", 2)
    go_on = asyncio.Event()
    at_once: list[int] = []

    async def handle(seen: Scripted, reader: asyncio.StreamReader, writer: asyncio.StreamWriter) -> None:
        while True:
            await seen.request(reader)
            if "watch=true" in seen.heads[-1]:
                writer.write(CHUNKED)
                continue
            await go_on.wait()
            at_once.append(len(seen.open))
            writer.write(OK)

    names = [f"/{name}" for name in "abcdef"]
    async with (
        scripted(handle) as server,
        transport_to(_to(server)) as transport,
        transport.stream(WATCH, idle_timeout=5),
        transport.stream(WATCH, idle_timeout=5),
    ):
        requests = [asyncio.ensure_future(transport.send(Request(GET.call, "GET", name), timeout=5)) for name in names]
        await until(lambda: 4 == len(server.heads), seconds=2)
        with pytest.raises(errors.Timeout, match=r"no answer within 0\.05 s"):
            await transport.send(GET, timeout=0.05)
        go_on.set()
        await asyncio.gather(*requests)

    assert names == [head.split()[1] for head in server.heads[2:]]
    assert 4 == max(at_once) == server.accepted


async def test_a_body_nobody_reads_stays_with_the_server():
    """And is no silence of the server, however long the reader takes."""
    sent = 0
    piece = b"10000\r\n" + b"x" * 0x10000 + b"\r\n"
    total = 64 << 20

    async def handle(seen: Scripted, reader: asyncio.StreamReader, writer: asyncio.StreamWriter) -> None:
        nonlocal sent
        await seen.request(reader)
        writer.write(CHUNKED)
        while sent < total:
            writer.write(piece)
            await writer.drain()
            sent += 0x10000
        writer.write(b"0\r\n\r\n")
        await reader.read()

    loop = asyncio.get_running_loop()
    async with scripted(handle) as server, transport_to(_to(server)) as transport, transport.stream(WATCH, idle_timeout=0.3) as body:
        (connection,) = transport._connections
        await until(lambda: connection._paused, seconds=5)
        paused = loop.time()
        await until(lambda: loop.time() > paused + 0.4, seconds=2)
        assert sent < total
        assert connection._framing.held < 2 * connections.READ_AHEAD
        read = 0
        async for some in body:
            read += len(some)

    assert total == read


async def test_a_server_on_ipv6_is_named_in_brackets():
    async with scripted(answering(OK), host="::1") as server, transport_to(_to(server)) as transport:
        await transport.send(GET, timeout=5)

    assert f"Host: {server.url.removeprefix('http://')}\r\n" in server.heads[0]
    assert "Host: [::1]:" in server.heads[0]
