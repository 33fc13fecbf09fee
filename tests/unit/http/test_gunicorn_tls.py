"""The server as a real process that speaks TLS on the metrics port."""

import http.client
import signal
import socket
import ssl
import threading
from contextlib import ExitStack
from pathlib import Path

import pytest

from steward.http.gunicorn import THREADS
from steward.http.sockets import PATIENCE_SECONDS
from support.certificates import Authority

PROGRAM = Path(__file__).with_name("program.py")


@pytest.fixture(scope="module")
def authority(tmp_path_factory):
    authority = Authority(tmp_path_factory.mktemp("authority"))
    authority.issue("server", "/CN=server", usage="server")
    return authority


@pytest.fixture
def serving(start, free_ports, authority):
    """Start the test's program with a certificate and wait until it serves."""
    running = start(PROGRAM, *free_ports, "obey", authority.directory / "server.crt", authority.directory / "server.key")
    until(running)
    return running


def until(running):
    """Wait until the health port, which is plain, answers."""
    running.metrics_port, kept = running.health_port, running.metrics_port
    running.until("/livez", 200)
    running.metrics_port = kept


@pytest.fixture
def connect(serving, authority):
    """Open HTTPS connections that check the certificate."""
    with ExitStack() as stack:

        def connect():
            context = ssl.create_default_context(cafile=authority.ca)
            connection = http.client.HTTPSConnection("localhost", serving.metrics_port, timeout=10, context=context)
            stack.callback(connection.close)
            return connection

        yield connect


def get(connection, path="/metrics"):
    connection.request("GET", path)
    answer = connection.getresponse()
    return answer.status, answer.read().decode()


def test_a_client_that_checks_the_certificate_is_served_on_one_connection(connect):
    connection = connect()

    assert (200, '{"reason":"Tested"}\n') == get(connection, "/events")
    kept = connection.sock
    assert 200 == get(connection)[0]
    assert kept is connection.sock


def test_the_end_of_a_connection_is_said(serving, authority):
    """A client can tell it from a cut: it gets a close_notify, which Python shows as an empty read instead of an error."""
    context = ssl.create_default_context(cafile=authority.ca)
    with context.wrap_socket(socket.create_connection(("127.0.0.1", serving.metrics_port), timeout=10), server_hostname="localhost") as connection:
        connection.sendall(b"GET /livez HTTP/1.1\r\nHost: x\r\nConnection: close\r\n\r\n")
        seen = b""
        while chunk := connection.recv(65536):
            seen += chunk

    assert seen.endswith(b"\r\n\r\nok\n")


def test_a_client_without_tls_gets_no_metrics_and_disturbs_nobody(serving, connect):
    with pytest.raises((OSError, http.client.HTTPException)):
        get(http.client.HTTPConnection("127.0.0.1", serving.metrics_port, timeout=10))

    assert 200 == get(connect())[0]
    assert "Traceback" not in serving.log()


@pytest.mark.parametrize("sent", [b"", b"\x16\x03\x01"], ids=["nothing", "half-a-record"])
def test_clients_that_never_finish_a_handshake_keep_no_thread(serving, connect, sent):
    """More of them than there are threads."""
    with ExitStack() as stack:
        for _ in range(THREADS + 2):
            slow = stack.enter_context(socket.create_connection(("127.0.0.1", serving.metrics_port)))
            slow.sendall(sent)
        answered = threading.Thread(target=get, args=(connect(),))
        answered.start()
        answered.join(4 * PATIENCE_SECONDS)

        assert not answered.is_alive()
    assert "Traceback" not in serving.log()


def test_many_at_once_are_all_served(connect):
    connections = [connect() for _ in range(4 * THREADS)]
    for connection in connections:
        connection.request("GET", "/livez")

    assert [200] * len(connections) == [connection.getresponse().status for connection in connections]


def test_a_stop_waits_for_no_client(serving, connect):
    connection = connect()
    get(connection)
    serving.signal(signal.SIGTERM)

    assert 0 == serving.wait()
