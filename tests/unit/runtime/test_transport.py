"""The real transport against real servers: connections, certificates, tokens, and what breaks."""

import asyncio
import shutil
import socket
from collections.abc import AsyncIterator
from contextlib import ExitStack, asynccontextmanager
from pathlib import Path

import pytest
from aiohttp import web
from kubernetes.client import Configuration

from steward.runtime import auth, errors, serviceaccount
from steward.runtime import transport as transports
from steward.runtime.auth import Credentials
from steward.runtime.pool import Pool
from steward.runtime.transport import HTTPTransport, Request
from support.certificates import Authority
from support.fakeapi import FakeAPI
from support.fakeapi.http import HTTPServer
from support.managers import until
from support.scripted import transport_to
from support.things import THINGS, client, desired, manifest

GET = Request(errors.Call("get", "configmaps", "default", "a"), "GET", "/api/v1/namespaces/default/configmaps/a")
LIST = Request(errors.Call("list", "configmaps", "default"), "GET", "/api/v1/namespaces/default/configmaps")
WATCH = Request(
    errors.Call("watch", "configmaps", "default"),
    "GET",
    "/api/v1/namespaces/default/configmaps",
    {"watch": "true", "allowWatchBookmarks": "true"},
)


def _credentials(url: str, *, ca: Path | None = None, token: str = "") -> Credentials:
    configuration = Configuration()
    configuration.host = url
    if ca is not None:
        configuration.ssl_ca_cert = str(ca)
    if token:
        configuration.api_key = {"authorization": f"Bearer {token}"}
    return Credentials(configuration, user_agent="steward-test/1")


@asynccontextmanager
async def _serving(handler) -> AsyncIterator[str]:
    """A server that does as a function says; its address."""
    runner = web.ServerRunner(web.Server(handler, access_log=None), shutdown_timeout=0.1)
    await runner.setup()
    await web.TCPSite(runner, "127.0.0.1", 0).start()
    try:
        yield f"http://127.0.0.1:{runner.addresses[0][1]}"
    finally:
        await runner.cleanup()


@pytest.fixture
async def server():
    async with HTTPServer(FakeAPI()) as server:
        yield server


async def test_an_answer_comes_whole_whatever_its_code(server):
    async with transport_to(_credentials(server.url)) as transport:
        missing = await transport.send(GET, timeout=5)
        server.api.add(manifest("a", x="1"))
        found = await transport.send(GET, timeout=5)

    assert (404, 200) == (missing.status, found.status)
    assert b'"x":"1"' in found.body


async def test_seconds_to_wait_are_handed_on(server):
    server.api.answer(429, retry_after=7)
    async with transport_to(_credentials(server.url)) as transport:
        answer = await transport.send(GET, timeout=5)

    assert (429, "7") == (answer.status, answer.retry_after)


async def test_a_stream_hands_out_what_comes_as_it_comes(server):
    async with transport_to(_credentials(server.url)) as transport, transport.stream(WATCH, idle_timeout=5) as chunks:
        server.api.add(manifest("a"))
        first = await anext(chunks)
        server.api.add(manifest("b"))
        second = await anext(chunks)

    assert b'"name":"a"' in first
    assert b'"name":"b"' in second


async def test_a_stream_given_up_leaves_no_connection(server):
    """Not even one that waits for a goodbye."""
    async with transport_to(_credentials(server.url)) as transport:
        async with transport.stream(WATCH, idle_timeout=5):
            assert 1 == len(server.api.streams())
        await until(lambda: not server.api.streams(), seconds=2)


async def _read(transport: HTTPTransport, *, idle_timeout: float, once_open) -> None:
    """Read a watch to its end."""
    async with transport.stream(WATCH, idle_timeout=idle_timeout) as chunks:
        once_open()
        async for _ in chunks:
            pass


async def test_a_refused_stream_is_a_typed_error(server):
    server.api.gone("watch configmaps", how="status")
    async with transport_to(_credentials(server.url)) as transport:
        with pytest.raises(errors.Gone):
            async with transport.stream(WATCH, idle_timeout=5):
                pass


async def test_a_stream_that_breaks_says_so(server):
    async with transport_to(_credentials(server.url)) as transport:
        with pytest.raises(errors.StreamBroken, match="watch configmaps default: connection broke"):
            await _read(transport, idle_timeout=5, once_open=server.api.drop)


async def test_a_silent_stream_is_dead_after_the_limit(server):
    """No bytes and no end: what a lost peer looks like."""
    async with transport_to(_credentials(server.url)) as transport:
        with pytest.raises(errors.Timeout, match=r"no answer within 0\.2 s"):
            await _read(transport, idle_timeout=0.2, once_open=server.api.silence)


async def test_a_request_that_hangs_ends_at_its_timeout(server):
    server.api.hang("get")
    async with transport_to(_credentials(server.url)) as transport:
        with pytest.raises(errors.Timeout, match=r"get configmaps default/a: no answer within 0\.2 s"):
            await transport.send(GET, timeout=0.2)


async def test_nobody_listening_is_a_failed_connection():
    with socket.create_server(("127.0.0.1", 0)) as taken:
        port = taken.getsockname()[1]
    async with transport_to(_credentials(f"http://127.0.0.1:{port}")) as transport:
        with pytest.raises(errors.ConnectFailed, match="cannot connect"):
            await transport.send(GET, timeout=5)
        with pytest.raises(errors.ConnectFailed):
            async with transport.stream(WATCH, idle_timeout=5):
                pass


async def test_a_server_that_accepts_nothing_is_a_failed_connection(monkeypatch):
    """A SYN that nobody answers: known after the limit for connecting, whatever the request itself may take."""
    monkeypatch.setattr(transports, "CONNECT_TIMEOUT", 0.2)
    with socket.socket() as full, ExitStack() as waiting:
        full.bind(("127.0.0.1", 0))
        full.listen(0)
        for _ in range(3):
            one = waiting.enter_context(socket.socket())
            one.setblocking(False)
            one.connect_ex(full.getsockname())
        async with transport_to(_credentials(f"http://127.0.0.1:{full.getsockname()[1]}")) as transport:
            with pytest.raises(errors.ConnectFailed, match=r"cannot connect within 0\.2 s"):
                await transport.send(GET, timeout=5)


async def test_a_read_on_a_connection_that_closes_is_repeated_once(server):
    """RFC 9112, 9.3.1: the server closes idle connections, and we may be about to use one. Then it is an error."""
    server.api.drop("get", times=3)
    async with transport_to(_credentials(server.url)) as transport:
        with pytest.raises(errors.TransportError):
            await transport.send(GET, timeout=5)
        assert 404 == (await transport.send(GET, timeout=5)).status


async def test_a_write_is_not_sent_twice(server):
    """A create must never be repeated behind our back."""
    server.api.drop("create", times=1, applied=True)
    async with transport_to(_credentials(server.url)) as transport:
        with pytest.raises(errors.TransportError):
            await client(transport).create(THINGS, desired("a"))

    assert 1 == server.api.requests("create configmaps")


async def test_a_guard_stops_a_request_before_it_leaves(server):
    """On a fresh connection and on one that is used again."""

    def fallen() -> None:
        raise errors.LeaseLost("over")

    guarded = Request(GET.call, "GET", GET.path, guard=fallen)
    async with transport_to(_credentials(server.url)) as transport:
        with pytest.raises(errors.LeaseLost):
            await transport.send(guarded, timeout=5)
        await transport.send(GET, timeout=5)
        with pytest.raises(errors.LeaseLost):
            await transport.send(guarded, timeout=5)
        await transport.send(GET, timeout=5)

    assert 2 == server.api.requests("get configmaps")


async def test_a_guard_is_asked_after_waiting_for_a_connection():
    """The fence may fall while the connection is made: that is the moment it has to be asked."""
    asked: list[int] = []
    accepted = 0

    async def handler(request: web.BaseRequest) -> web.Response:
        nonlocal accepted
        accepted += 1
        return web.Response(text="{}")

    async with _serving(handler) as url, transport_to(_credentials(url)) as transport:
        await transport.send(Request(GET.call, "GET", GET.path, guard=lambda: asked.append(accepted)), timeout=5)

    assert [0] == asked


async def test_a_redirect_is_not_followed():
    """It would carry the token elsewhere."""

    async def handler(request: web.BaseRequest) -> web.Response:
        return web.Response(status=302, headers={"Location": "http://127.0.0.1:1/stolen"})

    async with _serving(handler) as url, transport_to(_credentials(url, token="secret")) as transport:
        assert 302 == (await transport.send(GET, timeout=5)).status


async def test_bodies_are_asked_for_uncompressed_and_the_agent_is_named():
    seen: list[web.BaseRequest] = []

    async def handler(request: web.BaseRequest) -> web.Response:
        seen.append(request)
        return web.Response(text="{}")

    async with _serving(handler) as url, transport_to(_credentials(url)) as transport:
        await transport.send(GET, timeout=5)

    assert ("identity", "steward-test/1") == (seen[0].headers["Accept-Encoding"], seen[0].headers["User-Agent"])


async def test_connections_are_used_again(server):
    """Keepalive: a write every now and then costs no handshake."""
    connections: set[object] = set()

    async def handler(request: web.BaseRequest) -> web.Response:
        connections.add(request.transport)
        return web.Response(text="{}")

    async with _serving(handler) as url, transport_to(_credentials(url)) as transport:
        for _ in range(5):
            await transport.send(GET, timeout=5)

    assert 1 == len(connections)


async def test_the_kernel_watches_over_connections(server):
    """Keepalive with client-go's 30 s, 15 s, 9 times: a peer that is gone is noticed although nothing is sent."""
    async with transport_to(_credentials(server.url)) as transport, transport.stream(WATCH, idle_timeout=5):
        (held,) = transport._connections
        connected = held._transport.get_extra_info("socket")
        set_options = [
            connected.getsockopt(level, option)
            for level, option in (
                (socket.SOL_SOCKET, socket.SO_KEEPALIVE),
                (socket.IPPROTO_TCP, socket.TCP_KEEPIDLE),
                (socket.IPPROTO_TCP, socket.TCP_KEEPINTVL),
                (socket.IPPROTO_TCP, socket.TCP_KEEPCNT),
                (socket.IPPROTO_TCP, socket.TCP_NODELAY),
            )
        ]

    assert [1, 30, 15, 9, 1] == set_options


@pytest.fixture(autouse=True)
def looking_at_once(monkeypatch):
    """A rotation is noticed by the next request."""
    monkeypatch.setattr(transports, "ROTATION_INTERVAL", 0.0)


async def test_a_new_ca_is_used_for_the_next_request(tmp_path):
    """The server's certificate is signed by another authority from one moment to the next, as in a rotation of the cluster's CA."""
    old, new = Authority(tmp_path / "old"), Authority(tmp_path / "new")
    trusted = tmp_path / "ca.crt"
    shutil.copy(old.ca, trusted)
    api = FakeAPI()
    async with HTTPServer(api, tls=old.server()) as before, HTTPServer(api, tls=new.server()) as after:
        credentials = _credentials(before.url, ca=trusted)
        async with transport_to(credentials) as transport:
            assert 404 == (await transport.send(GET, timeout=5)).status
            credentials.host = after.url
            with pytest.raises(errors.ConnectFailed, match="certificate"):
                await transport.send(GET, timeout=5)
            shutil.copy(new.ca, trusted)
            assert 404 == (await transport.send(GET, timeout=5)).status


async def test_a_watch_survives_a_rotation_of_the_ca(tmp_path):
    """Requests under way stay on their old connections."""
    authority = Authority(tmp_path / "ca")
    trusted = tmp_path / "ca.crt"
    shutil.copy(authority.ca, trusted)
    async with (
        HTTPServer(FakeAPI(), tls=authority.server()) as server,
        transport_to(_credentials(server.url, ca=trusted)) as transport,
        transport.stream(WATCH, idle_timeout=5) as chunks,
    ):
        trusted.write_bytes(authority.ca.read_bytes() + b"\n")
        await transport.send(GET, timeout=5)
        server.api.add(manifest("a"))
        told = await anext(chunks)

    assert b'"name":"a"' in told


async def test_a_ca_file_that_is_missing_for_a_moment_costs_nothing(tmp_path):
    """Between unlink and rename of a rotation; a watch under way lives on too."""
    authority = Authority(tmp_path / "ca")
    trusted = tmp_path / "ca.crt"
    shutil.copy(authority.ca, trusted)
    async with (
        HTTPServer(FakeAPI(), tls=authority.server()) as server,
        transport_to(_credentials(server.url, ca=trusted)) as transport,
        transport.stream(WATCH, idle_timeout=5) as chunks,
    ):
        trusted.unlink()
        while_away = await transport.send(GET, timeout=5)
        trusted.write_text("half of a certifi")
        half_written = await transport.send(GET, timeout=5)
        shutil.copy(authority.ca, trusted)
        back = await transport.send(GET, timeout=5)
        server.api.add(manifest("a"))
        told = await anext(chunks)

    assert [404, 404, 404] == [while_away.status, half_written.status, back.status]
    assert b'"name":"a"' in told


async def test_requests_that_see_a_rotation_at_once_share_the_new_connections(tmp_path, monkeypatch):
    """And of the former ones nothing stays open once nobody uses them."""
    made: list[Pool] = []
    create = transports.Pool

    def counted(*settings: object) -> Pool:
        made.append(create(*settings))
        return made[-1]

    monkeypatch.setattr(transports, "Pool", counted)
    authority = Authority(tmp_path / "ca")
    trusted = tmp_path / "ca.crt"
    shutil.copy(authority.ca, trusted)
    async with HTTPServer(FakeAPI(), tls=authority.server()) as server, transport_to(_credentials(server.url, ca=trusted)) as transport:
        await transport.send(GET, timeout=5)
        async with transport.stream(WATCH, idle_timeout=5):
            former = set(transport._connections)
            trusted.write_bytes(authority.ca.read_bytes() + b"\n")
            await asyncio.gather(*(transport.send(GET, timeout=5) for _ in range(10)))
            assert 1 == len(former & transport._connections)
        await until(lambda: not former & transport._connections, seconds=2)

    assert 2 == len(made)


async def test_former_connections_that_nobody_uses_are_closed_at_the_rotation(tmp_path):
    authority = Authority(tmp_path / "ca")
    trusted = tmp_path / "ca.crt"
    shutil.copy(authority.ca, trusted)
    async with HTTPServer(FakeAPI(), tls=authority.server()) as server, transport_to(_credentials(server.url, ca=trusted)) as transport:
        await transport.send(GET, timeout=5)
        (former,) = transport._connections
        trusted.write_bytes(authority.ca.read_bytes() + b"\n")
        await transport.send(GET, timeout=5)

        assert former.gone.done()


async def test_a_connection_being_made_survives_a_rotation(tmp_path):
    """The handshake is not done yet, so no connection is in use; the request is under way all the same."""
    authority = Authority(tmp_path / "ca")
    trusted = tmp_path / "ca.crt"
    shutil.copy(authority.ca, trusted)
    async with HTTPServer(FakeAPI(), tls=authority.server()) as server, transport_to(_credentials(server.url, ca=trusted)) as transport:
        early = asyncio.ensure_future(transport.send(GET, timeout=5))
        await until(lambda: transport._pool is not None, seconds=2)
        trusted.write_bytes(authority.ca.read_bytes() + b"\n")
        late = await transport.send(GET, timeout=5)

        assert (404, 404) == ((await early).status, late.status)


@pytest.fixture
def in_cluster(tmp_path, monkeypatch):
    """The files of a service account, and a function that points to a server."""
    account = tmp_path / "serviceaccount"
    authority = Authority(account)
    (account / "token").write_text("first")
    (account / "namespace").write_text("shop")
    monkeypatch.setattr(auth, "SERVICE_ACCOUNT", account)
    monkeypatch.delenv("POD_NAMESPACE", raising=False)

    def at(url: str) -> Credentials:
        monkeypatch.setenv("KUBERNETES_SERVICE_HOST", "127.0.0.1")
        monkeypatch.setenv("KUBERNETES_SERVICE_PORT", url.rpartition(":")[2])
        return auth.load(user_agent="steward-test/1")

    return account, authority, at


async def test_in_a_pod_the_service_accounts_token_is_sent(in_cluster):
    """kubernetes 36.0.0 sent none (kubernetes-client/python #2582)."""
    _, authority, at = in_cluster
    async with HTTPServer(FakeAPI(), token="first", tls=authority.server()) as server, transport_to(at(server.url)) as transport:
        assert 404 == (await transport.send(GET, timeout=5)).status

    assert "shop" == auth.namespace()


async def test_a_rotated_token_is_sent_within_a_minute(in_cluster, monkeypatch):
    """The kubelet writes a new one long before the old one ends."""
    assert serviceaccount.TOKEN_SECONDS <= 60
    monkeypatch.setattr(serviceaccount, "TOKEN_SECONDS", 0.0)
    account, authority, at = in_cluster
    async with HTTPServer(FakeAPI(), token="first", tls=authority.server()) as server, transport_to(at(server.url)) as transport:
        first = await transport.send(GET, timeout=5)
        (account / "token").write_text("second\n")
        server.token = "second"
        second = await transport.send(GET, timeout=5)

    assert (404, 404) == (first.status, second.status)


@pytest.mark.parametrize("content", ["", None], ids=["empty", "missing"])
async def test_a_token_file_that_cannot_be_read_again_costs_nothing(in_cluster, monkeypatch, caplog, content):
    """The kubelet may be at it; the former token is good for a while. One line says so."""
    monkeypatch.setattr(serviceaccount, "TOKEN_SECONDS", 0.0)
    account, authority, at = in_cluster
    async with HTTPServer(FakeAPI(), token="first", tls=authority.server()) as server, transport_to(at(server.url)) as transport:
        (account / "token").unlink()
        if content is not None:
            (account / "token").write_text(content)
        answers = [(await transport.send(GET, timeout=5)).status for _ in range(3)]
        (account / "token").write_text("second")
        server.token = "second"
        answers.append((await transport.send(GET, timeout=5)).status)

    assert [404] * 4 == answers
    assert ["token cannot be read, going on with the former one"] == [record.message for record in caplog.records]


def test_without_a_cluster_the_fix_is_named(monkeypatch, tmp_path):
    monkeypatch.delenv("KUBERNETES_SERVICE_HOST", raising=False)
    monkeypatch.setenv("KUBECONFIG", str(tmp_path / "none"))
    monkeypatch.setattr("kubernetes.config.kube_config.KUBE_CONFIG_DEFAULT_LOCATION", str(tmp_path / "none"))

    with pytest.raises(errors.ConfigError, match="Set KUBECONFIG to a readable kubeconfig, or run inside a cluster"):
        auth.load(user_agent="steward-test/1")
