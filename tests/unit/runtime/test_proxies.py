"""The way to the server: through proxies, and to servers whose certificate has another name or that want one of ours."""

import asyncio
import contextlib
import ssl

import pytest
from kubernetes.client import Configuration

from steward.runtime import errors
from steward.runtime.auth import Credentials
from steward.runtime.transport import Request
from support.certificates import Authority
from support.fakeapi import FakeAPI
from support.fakeapi.http import HTTPServer
from support.scripted import Handler, Scripted, answering, scripted, transport_to

GET = Request(errors.Call("get", "configmaps", "default", "a"), "GET", "/api/v1/namespaces/default/configmaps/a")


@pytest.fixture
def authority(tmp_path) -> Authority:
    return Authority(tmp_path / "ca")


@pytest.fixture(autouse=True)
def environment(monkeypatch):
    """No proxy, whatever the machine has."""
    for name in ("HTTP_PROXY", "HTTPS_PROXY", "NO_PROXY", "ALL_PROXY"):
        monkeypatch.delenv(name, raising=False)
        monkeypatch.delenv(name.lower(), raising=False)


def _credentials(url: str, authority: Authority | None = None, *, proxy: str = "", **settings: object) -> Credentials:
    configuration = Configuration(host=url, ssl_ca_cert=str(authority.ca) if authority else None)
    configuration.api_key = {"authorization": "Bearer secret"}
    configuration.proxy = proxy or None
    for name, value in settings.items():
        setattr(configuration, name, value)
    return Credentials(configuration, user_agent="steward-test/1")


def _with_password(url: str) -> str:
    return url.replace("://", "://us%40er:pass@")


async def _pipe(reader: asyncio.StreamReader, writer: asyncio.StreamWriter) -> None:
    with contextlib.suppress(ConnectionError):
        while data := await reader.read(65536):
            writer.write(data)
            await writer.drain()
    writer.transport.abort()


async def _tunnel(seen: Scripted, reader: asyncio.StreamReader, writer: asyncio.StreamWriter) -> None:
    """What a proxy does with CONNECT."""
    await seen.request(reader)
    host, port = seen.heads[-1].split()[1].rsplit(":", 1)
    far_reader, far_writer = await asyncio.open_connection(host, int(port))
    writer.write(b"HTTP/1.1 200 Connection established\r\nVia: 1.1 proxy\r\n\r\n")
    async with asyncio.TaskGroup() as both:
        both.create_task(_pipe(reader, far_writer))
        both.create_task(_pipe(far_reader, writer))


async def _hang_up(seen: Scripted, reader: asyncio.StreamReader, writer: asyncio.StreamWriter) -> None:
    """Accepts, and that is all."""


async def _speak(seen: Scripted, reader: asyncio.StreamReader, writer: asyncio.StreamWriter) -> None:
    """Speaks first, as SMTP does."""
    writer.write(b"220 mail.example ESMTP\r\n")
    await reader.read()


@pytest.mark.parametrize("secure", [False, True], ids=["http proxy", "https proxy"])
async def test_a_server_with_tls_is_reached_through_a_tunnel(authority, secure):
    """The proxy gets its password and never the token; the tunnel is used again."""
    async with (
        HTTPServer(FakeAPI(), token="secret", tls=authority.server()) as server,
        scripted(_tunnel, tls=authority.server() if secure else None) as proxy,
        transport_to(_credentials(server.url, authority, proxy=_with_password(proxy.url))) as transport,
    ):
        assert [404, 404] == [(await transport.send(GET, timeout=5)).status for _ in range(2)]

    place = server.url.removeprefix("https://")
    assert [f"CONNECT {place} HTTP/1.1\r\nHost: {place}\r\nProxy-Authorization: Basic dXNAZXI6cGFzcw==\r\n\r\n"] == proxy.heads


async def test_a_server_without_tls_is_asked_through_the_proxy():
    async with (
        scripted(answering(b"HTTP/1.1 200 OK\r\nContent-Length: 2\r\n\r\nok")) as proxy,
        transport_to(_credentials("http://api.example:8001/base", proxy=_with_password(proxy.url))) as transport,
    ):
        assert b"ok" == (await transport.send(GET, timeout=5)).body

    assert proxy.heads[0].startswith(f"GET http://api.example:8001/base{GET.path} HTTP/1.1\r\nHost: api.example:8001\r\n")
    assert "\r\nProxy-Authorization: Basic dXNAZXI6cGFzcw==\r\n" in proxy.heads[0]


@pytest.mark.parametrize(
    ("handler", "said"),
    [
        (answering(b"HTTP/1.1 407 Authenticate\r\nContent-Length: 0\r\n\r\n"), r"the proxy 127\.0\.0\.1:\d+ refuses the connection with status 407"),
        (answering(close=True), "closed by the server"),
        (answering(b"HTTP/1.1 200 OK\r\n\r\n", close=True), "cannot connect"),
        (answering(b"HTTP/1.1 200 OK\r\n\r\nnot TLS at all, whatever it is"), "the proxy goes on after its answer"),
    ],
    ids=["refused", "closed", "closed behind the tunnel", "no TLS behind it"],
)  # fmt: skip
async def test_a_proxy_that_does_not_let_us_through_is_a_failed_connection(authority, handler: Handler, said):
    """The message names it, without its password."""
    async with (
        scripted(handler) as proxy,
        transport_to(_credentials("https://api.example:6443", authority, proxy=_with_password(proxy.url))) as transport,
    ):
        with pytest.raises(errors.ConnectFailed, match=said) as caught:
            await transport.send(GET, timeout=5)

    assert "pass" not in str(caught.value)


@pytest.mark.parametrize(
    ("url", "proxy", "said"),
    [
        ("10.96.0.1:6443", "", 'server: expected a URL like https://10.96.0.1:443, got "10.96.0.1:6443"'),
        ("https://a b", "", 'server: expected a URL like https://10.96.0.1:443, got "https://a b"'),
        ("https://a:port", "", 'server: expected a URL like https://10.96.0.1:443, got "https://a:port"'),
        ("https://a", "socks5://u:pass@b:1080", 'proxy: expected a URL like http://proxy.example:3128, got "socks5://b:1080"'),
    ],
    ids=["no scheme", "a space", "no port", "SOCKS"],
)
def test_an_address_that_is_none_is_named_with_what_to_write(url, proxy, said):
    with pytest.raises(errors.ConfigError) as caught:
        _credentials(url, proxy=proxy)

    assert said in str(caught.value)


def test_a_proxy_may_be_written_without_its_scheme():
    """As for curl and Go."""
    assert "http://proxy.example:3128" == _credentials("https://a", proxy="proxy.example:3128").proxy


@pytest.mark.parametrize(("name", "trusted"), [("localhost", True), ("elsewhere", False)])
async def test_a_certificate_may_have_another_name_than_the_address(authority, name, trusted):
    """kubeconfig's tls-server-name: the address is of a tunnel or a load balancer."""
    async with (
        HTTPServer(FakeAPI(), tls=authority.server()) as server,
        transport_to(_credentials(server.url, authority, tls_server_name=name)) as transport,
    ):
        if trusted:
            assert 404 == (await transport.send(GET, timeout=5)).status
        else:
            with pytest.raises(errors.ConnectFailed, match="elsewhere"):
                await transport.send(GET, timeout=5)


async def test_a_certificate_nobody_vouches_for_is_taken_only_when_told_so(authority):
    async with HTTPServer(FakeAPI(), tls=authority.server()) as server:
        async with transport_to(_credentials(server.url)) as transport:
            with pytest.raises(errors.ConnectFailed, match="CERTIFICATE_VERIFY_FAILED"):
                await transport.send(GET, timeout=5)
        async with transport_to(_credentials(server.url, verify_ssl=False)) as transport:
            assert 404 == (await transport.send(GET, timeout=5)).status


@pytest.mark.parametrize("handler", [answering(close=True), _hang_up, _speak], ids=["reads, then closes", "closes at once", "no TLS"])
async def test_a_server_that_does_not_shake_hands_is_a_failed_connection(authority, handler: Handler):
    """As a load balancer without a server behind it. Nothing of the request has left, so a write may be tried again."""
    async with scripted(handler) as server, transport_to(_credentials(server.url.replace("http:", "https:"), authority)) as transport:
        with pytest.raises(errors.ConnectFailed, match="cannot connect"):
            await transport.send(GET, timeout=5)


async def test_a_certificate_of_ours_is_shown(authority):
    """Without one, the server hangs up after its side of the handshake: in TLS 1.3 the first request fails, not the connection."""
    tls = authority.server()
    tls.verify_mode = ssl.CERT_REQUIRED
    tls.load_verify_locations(authority.ca)
    authority.issue("client", "/CN=steward", usage="client")
    ours = {"cert_file": str(authority.directory / "client.crt"), "key_file": str(authority.directory / "client.key")}
    async with HTTPServer(FakeAPI(), tls=tls) as server:
        async with transport_to(_credentials(server.url, authority, **ours)) as transport:
            assert 404 == (await transport.send(GET, timeout=5)).status
        async with transport_to(_credentials(server.url, authority)) as transport:
            with pytest.raises(errors.TransportError):
                await transport.send(GET, timeout=5)
