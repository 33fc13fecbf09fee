"""The server of admission as API servers meet it: HTTP/1.1 over TLS on real sockets."""

import asyncio
import contextlib
import ssl

import pytest

from steward.http import admission
from steward.http.admission import BODIES_LIMIT, BODY_LIMIT, KEEP_ALIVE_SECONDS, AdmissionServer, Call, Reply, timeout
from steward.http.tls import CertificateFiles, CertificateUnreadable
from support.certificates import Authority
from support.managers import until

GO_IDLE_SECONDS = 90
"""http.DefaultTransport's IdleConnTimeout."""


@pytest.fixture(autouse=True)
def linger(monkeypatch):
    """Stops are quick where a test is not about them."""
    monkeypatch.setattr(admission, "LINGER_SECONDS", 0.0)


@pytest.fixture(scope="module")
def authority(tmp_path_factory):
    authority = Authority(tmp_path_factory.mktemp("authority"))
    for name in ("server", "renewed"):
        authority.issue(name, f"/CN={name}", usage="server")
    return authority


def files(authority, name="server"):
    return CertificateFiles(str(authority.directory / f"{name}.crt"), str(authority.directory / f"{name}.key"))


class Changing:
    """A certificate that can be exchanged, or be missing."""

    def __init__(self, certificate):
        self.certificate = certificate

    def context(self):
        if self.certificate is None:
            raise CertificateUnreadable("there is none")
        return self.certificate.context()


class Client:
    """Speaks HTTP/1.1 on one connection at a time, so that a test sees when that ends."""

    def __init__(self, server, authority):
        self.server = server
        self._context = ssl.create_default_context(cafile=authority.ca)
        self.reader = self.writer = None

    async def connect(self):
        await self.close()
        self.reader, self.writer = await asyncio.open_connection("127.0.0.1", self.server.port, ssl=self._context)

    async def close(self):
        if self.writer is not None:
            self.writer.close()
            with contextlib.suppress(OSError, ssl.SSLError):
                await self.writer.wait_closed()

    @property
    def shown(self):
        """The common name of the certificate that was shown."""
        return dict(pair for (pair,) in self.writer.get_extra_info("peercert")["subject"])["commonName"]

    async def send(self, text):
        if self.writer is None:
            await self.connect()
        self.writer.write(text)
        await self.writer.drain()

    async def answer(self):
        """Status, headers and body of the next answer."""
        head = (await self.reader.readuntil(b"\r\n\r\n")).decode().split("\r\n")
        headers = {name.lower(): value for name, _, value in (line.partition(": ") for line in head[1:] if line)}
        return int(head[0].split()[1]), headers, await self.reader.readexactly(int(headers["content-length"]))

    async def post(self, body=b"{}", *, path="/validate", headers="content-type: application/json\r\n"):
        await self.send(f"POST {path} HTTP/1.1\r\nhost: x\r\ncontent-length: {len(body)}\r\n{headers}\r\n".encode() + body)
        return await self.answer()

    async def has_ended(self, *, seconds=5.0):
        """Whether the server ends the connection within this time."""
        try:
            return b"" == await asyncio.wait_for(self.reader.read(), seconds)
        except TimeoutError:
            return False
        except OSError:
            return True


async def echo(call: Call) -> Reply:
    return Reply(200, call.body)


@contextlib.asynccontextmanager
async def serving(authority, handle=echo, *, certificate=None, refused=lambda _: None):
    """A server at work, a client of it, and the event that stops it."""
    server = AdmissionServer(handle, paths=("/validate",), port=0, certificate=certificate or files(authority), refused=refused)
    stopping = asyncio.Event()
    async with asyncio.TaskGroup() as group:
        task = group.create_task(server.run(stopping))
        await until(lambda: server.is_listening)
        client = Client(server, authority)
        try:
            yield server, client, stopping, task
        finally:
            await client.close()
            stopping.set()


async def test_a_call_is_handed_on_whole(authority):
    seen = []

    async def handle(call):
        seen.append(call)
        return Reply(200, b"done")

    async with serving(authority, handle) as (_, client, _, _):
        body = b"x" * 200_000
        status, headers, answer = await client.post(body, path="/validate?timeout=3s", headers="Content-Type: Application/JSON; charset=utf-8\r\n")

    assert (200, b"done", "application/json") == (status, answer, headers["content-type"])
    assert ("/validate", "application/json", body) == seen[0][:3]
    assert 2.5 == pytest.approx(seen[0].deadline - seen[0].started)


async def test_a_connection_is_used_again(authority):
    async with serving(authority) as (_, client, _, _):
        answers = [await client.post(str(number).encode()) for number in range(3)]

    assert [b"0", b"1", b"2"] == [body for _, _, body in answers]
    assert [None] * 3 == [headers.get("connection") for _, headers, _ in answers]


def test_it_is_the_client_who_ends_an_idle_connection():
    """A call that is sent while the server closes is a failed call."""
    assert KEEP_ALIVE_SECONDS > GO_IDLE_SECONDS


async def test_an_idle_connection_is_kept_so_long_and_then_ended(authority, monkeypatch):
    monkeypatch.setattr(admission, "KEEP_ALIVE_SECONDS", 0.5)
    loop = asyncio.get_running_loop()
    async with serving(authority) as (_, client, _, _):
        await client.post()
        began = loop.time()

        assert await client.has_ended()
        assert loop.time() - began >= 0.5


@pytest.mark.parametrize(
    ("request_line", "status"),
    [("GET /validate", 405), ("POST /mutate", 404), ("POST /", 404)],
)
async def test_what_else_is_asked_is_refused(authority, request_line, status):
    async with serving(authority) as (_, client, _, _):
        await client.send(f"{request_line} HTTP/1.1\r\nhost: x\r\ncontent-length: 0\r\n\r\n".encode())

        assert status == (await client.answer())[0]


async def test_a_body_that_is_too_large_is_refused_before_it_is_read(authority):
    refused = []
    async with serving(authority, refused=refused.append) as (server, client, _, _):
        await client.send(f"POST /validate HTTP/1.1\r\nhost: x\r\ncontent-length: {BODY_LIMIT + 1}\r\n\r\n".encode())
        status, headers, _ = await client.answer()

    assert (413, "close") == (status, headers["connection"])
    assert ["oversize"] == refused
    assert 0 == server.in_flight


async def test_a_body_of_seven_mebibytes_is_read(authority):
    async with serving(authority) as (_, client, _, _):
        status, _, body = await client.post(b"x" * BODY_LIMIT)

    assert (200, BODY_LIMIT) == (status, len(body))


async def test_a_body_of_unknown_length_is_refused(authority):
    async with serving(authority) as (_, client, _, _):
        await client.send(b"POST /validate HTTP/1.1\r\nhost: x\r\ntransfer-encoding: chunked\r\n\r\n2\r\n{}\r\n0\r\n\r\n")

        assert 411 == (await client.answer())[0]


@pytest.mark.parametrize("limit", ["CALLS_LIMIT", "BODIES_LIMIT"])
async def test_what_is_too_much_at_once_is_answered_at_once(authority, monkeypatch, limit):
    """With 503, on which the API server acts by the failure policy; and it is over when the others are."""
    monkeypatch.setattr(admission, limit, {"CALLS_LIMIT": 2, "BODIES_LIMIT": 5}[limit])
    release, refused = asyncio.Event(), []

    async def wait(call):
        await release.wait()
        return Reply(200, b"")

    async with serving(authority, wait, refused=refused.append) as (server, client, _, _):
        held = [Client(server, authority) for _ in range(2)]
        waiting = [asyncio.ensure_future(one.post()) for one in held]
        await until(lambda: server.in_flight == 2)
        status, headers, _ = await client.post()
        release.set()
        done = [(await one)[0] for one in waiting]
        await client.connect()
        later = (await client.post())[0]
        for one in held:
            await one.close()

    assert (503, "close") == (status, headers["connection"])
    assert ["overload"] == refused
    assert [200, 200, 200] == [*done, later]


async def test_an_error_of_the_handler_is_500_and_the_server_goes_on(authority):
    async def fail(call):
        raise RuntimeError("boom")

    async with serving(authority, fail) as (server, client, _, _):
        first = (await client.post())[0]
        await client.connect()
        second = (await client.post())[0]

    assert (500, 500) == (first, second)
    assert 0 == server.in_flight


async def test_no_http2_is_offered(authority):
    """One connection would carry all calls of an API server to one replica (kubernetes/kubernetes#75791)."""
    async with serving(authority) as (_, client, _, _):
        client._context.set_alpn_protocols(["h2", "http/1.1"])
        await client.connect()

        assert "http/1.1" == client.writer.get_extra_info("ssl_object").selected_alpn_protocol()


HALVES = {
    "an empty line": b"\r\n",
    "half a line": b"POST /validate HT",
    "half a body": b"POST /validate HTTP/1.1\r\nhost: x\r\ncontent-length: 9\r\n\r\n{",
}


@pytest.mark.parametrize("sends", [b"", *HALVES.values()], ids=["nothing", *HALVES])
async def test_who_does_not_send_a_whole_request_in_time_is_cut_off(authority, monkeypatch, sends):
    monkeypatch.setattr(admission, "ARRIVAL_SECONDS", 0.2)
    async with serving(authority) as (_, client, _, _):
        await client.send(sends)

        assert await client.has_ended()


@pytest.mark.parametrize("sends", HALVES.values(), ids=HALVES)
async def test_nor_may_the_second_request_of_a_connection_stay_half(authority, monkeypatch, sends):
    monkeypatch.setattr(admission, "ARRIVAL_SECONDS", 0.2)
    async with serving(authority) as (_, client, _, _):
        await client.post()
        await client.send(sends)

        assert await client.has_ended()


async def test_bodies_that_are_announced_and_do_not_come_leave_room_for_those_that_do(authority):
    refused = []
    async with serving(authority, refused=refused.append) as (server, client, _, _):
        idle = [Client(server, authority) for _ in range(BODIES_LIMIT // BODY_LIMIT + 1)]
        for one in idle:
            await one.send(f"POST /validate HTTP/1.1\r\nhost: x\r\ncontent-length: {BODY_LIMIT}\r\n\r\n{{".encode())
        status = (await client.post())[0]
        for one in idle:
            await one.close()

    assert (200, []) == (status, refused)


async def test_calls_that_are_not_whole_take_no_place_of_those_that_are(authority, monkeypatch):
    monkeypatch.setattr(admission, "CALLS_LIMIT", 1)
    async with serving(authority) as (server, client, _, _):
        idle = Client(server, authority)
        await idle.send(b"POST /validate HTTP/1.1\r\nhost: x\r\ncontent-length: 9\r\n\r\n{")
        status = (await client.post())[0]
        await idle.close()

    assert 200 == status


async def test_a_caller_that_hangs_up_is_no_failure_and_leaves_its_room(authority, monkeypatch):
    monkeypatch.setattr(admission, "BODIES_LIMIT", 12)
    refused = []
    async with serving(authority, refused=refused.append) as (server, client, _, _):
        await client.send(b"POST /validate HTTP/1.1\r\nhost: x\r\ncontent-length: 12\r\n\r\n" + b"x" * 11)
        await until(lambda: server._bytes == 11)
        await client.close()
        await until(lambda: server._bytes == 0)
        await client.connect()

        assert 200 == (await client.post(b"x" * 12))[0]
    assert [] == refused


async def test_an_idle_connection_after_a_call_is_not_cut_off(authority, monkeypatch):
    monkeypatch.setattr(admission, "ARRIVAL_SECONDS", 0.2)
    async with serving(authority) as (_, client, _, _):
        await client.post()

        assert not await client.has_ended(seconds=0.6)
        assert 200 == (await client.post())[0]


# --- certificates ---------------------------------------------------------------------------------------------------------------------


async def test_a_new_certificate_is_shown_at_the_next_handshake_and_old_connections_live_on(authority):
    shown = Changing(files(authority))
    async with serving(authority, certificate=shown) as (server, client, _, _):
        await client.post()
        before = client.shown
        shown.certificate = files(authority, "renewed")
        other = Client(server, authority)
        await other.connect()
        kept = (await client.post())[0]
        after = other.shown
        await other.close()

    assert ("server", "renewed", 200) == (before, after, kept)


async def test_without_a_certificate_a_handshake_ends_and_the_next_one_with_it_works(authority):
    shown = Changing(None)
    async with serving(authority, certificate=shown) as (_, client, _, _):
        with pytest.raises((ssl.SSLError, OSError)):
            await client.connect()
        shown.certificate = files(authority)

        assert 200 == (await client.post())[0]


# --- stopping -------------------------------------------------------------------------------------------------------------------------


async def test_while_it_goes_calls_are_answered_and_each_ends_its_connection(authority, monkeypatch):
    """API servers reuse idle connections to a pod that ends (kubernetes/kubernetes#127335)."""
    monkeypatch.setattr(admission, "LINGER_SECONDS", 1.0)
    async with serving(authority) as (server, client, stopping, task):
        await client.post()
        stopping.set()
        await asyncio.sleep(0)
        said_ready = server.is_listening
        kept = await client.post()
        ended = await client.has_ended()
        await client.connect()
        new = await client.post()
        await asyncio.wait_for(task, 10)
        with pytest.raises(OSError):
            await client.connect()

    assert not said_ready
    assert [(200, "close"), (200, "close")] == [(status, headers.get("connection")) for status, headers, _ in (kept, new)]
    assert ended


async def test_a_call_under_way_is_answered_before_the_end(authority, monkeypatch):
    monkeypatch.setattr(admission, "LINGER_SECONDS", 0.1)
    entered, release = asyncio.Event(), asyncio.Event()

    async def slow(call):
        entered.set()
        await release.wait()
        return Reply(200, b"late")

    async with serving(authority, slow) as (_, client, stopping, task):
        asked = asyncio.ensure_future(client.post())
        await entered.wait()
        stopping.set()
        await asyncio.sleep(0.5)
        release.set()

        assert b"late" == (await asked)[2]
        await asyncio.wait_for(task, 10)


@pytest.mark.parametrize(
    ("query", "seconds"),
    [
        (b"timeout=3s", 3),
        (b"a=b&timeout=1m30s", 90),
        (b"timeout=500ms", 0.5),
        (b"timeout=1.5s", 1.5),
        (b"", 10),
        (b"timeout=soon", 10),
        (b"timeout=", 10),
    ],
)
def test_how_long_the_caller_waits(query, seconds):
    """Go's durations; without one, the API's default."""
    assert seconds == timeout(query)
