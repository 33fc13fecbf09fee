"""The server as a real process: ports, the order of a stop, exit codes."""

import http.client
import json
import os
import signal
import socket
import threading
import time
from contextlib import ExitStack, suppress
from pathlib import Path

import pytest

from steward.http.gunicorn import THREADS

PROGRAM = Path(__file__).with_name("program.py")


@pytest.fixture
def serving(start, free_ports):
    """Start the test's program and wait until it serves."""

    def serving(what, **more):
        running = start(PROGRAM, *free_ports, what, **more)
        running.until("/livez", 200)
        return running

    return serving


def test_both_ports_serve_and_the_health_port_only_health(serving):
    running = serving("obey")

    assert 200 == running.get("/metrics")[0]
    assert '{"reason":"Tested"}\n' == running.get("/events")[1]
    assert (200, "ok\n") == running.get("/readyz", port=running.health_port)
    assert 404 == running.get("/metrics", port=running.health_port)[0]
    assert 200 == running.get("/")[0]
    assert 404 == running.get("/", port=running.health_port)[0]
    assert 404 == running.get("/static")[0]


@pytest.mark.skipif(not socket.has_dualstack_ipv6(), reason="the machine has no IPv6")
def test_ipv6_is_served_too(serving):
    running = serving("obey")
    connection = http.client.HTTPConnection("::1", running.health_port, timeout=5)
    connection.request("GET", "/livez")

    assert 200 == connection.getresponse().status
    connection.close()


@pytest.mark.parametrize("number", [signal.SIGTERM, signal.SIGINT, signal.SIGHUP], ids=["SIGTERM", "SIGINT", "SIGHUP"])
def test_a_signal_stops_the_program_first_and_ends_with_0(serving, number):
    """While the program finishes, readiness says no and metrics are still served."""
    running = serving("linger")
    running.signal(number)

    assert "[-]program failed: stopping\n" in running.until("/readyz", 503)
    assert 200 == running.get("/metrics")[0]
    assert 0 == running.wait()


def test_a_second_signal_ends_at_once(serving):
    """Also when the program ignores the first."""
    running = serving("ignore")
    running.signal(signal.SIGTERM)
    running.until("/readyz", 503)
    started = time.monotonic()
    running.signal(signal.SIGTERM)

    assert 1 == running.wait()
    assert time.monotonic() - started < 3


def test_a_request_that_never_ends_does_not_hold_the_stop(serving):
    running = serving("obey")
    with socket.create_connection(("127.0.0.1", running.metrics_port)) as slow:
        slow.sendall(b"GET /metrics HTTP/1.1\r\nHost: x\r\nX-Slow:")
        running.until("/livez", 200)
        running.signal(signal.SIGTERM)

        assert 0 == running.wait(10)


def test_clients_that_stop_halfway_do_not_keep_a_probe_waiting(serving):
    """They are let go before the kubelet gives up, twice as many as there are threads, and the log, at its usual level, does not say a word."""
    running = serving("obey")
    with ExitStack() as held:
        for port in (running.health_port, running.metrics_port):
            for _ in range(THREADS):
                stopping = held.enter_context(socket.create_connection(("127.0.0.1", port)))
                stopping.sendall(b"GET /livez HTTP/1.1\r\nX-A: ")
        started = time.monotonic()
        running.until("/livez", 200, seconds=10)
        probed = time.monotonic() - started

    assert probed < 10
    assert "socket error" not in running.log().lower()
    assert "Traceback" not in running.log()


@pytest.mark.slow
def test_clients_that_send_a_byte_now_and_then_are_let_go_too(serving):
    """Never silent for long, and never done: more of them than there are threads."""
    running = serving("obey")
    with ExitStack() as held:
        trickling = [held.enter_context(socket.create_connection(("127.0.0.1", running.health_port))) for _ in range(2 * THREADS)]
        over = threading.Event()

        def trickle():
            while not over.wait(0.5):
                for client in trickling:
                    with suppress(OSError):
                        client.send(b"x")

        for client in trickling:
            client.sendall(b"GET /livez HTTP/1.1\r\nX-A: ")
        dripping = threading.Thread(target=trickle)
        dripping.start()
        try:
            running.until("/livez", 200, seconds=30)
        finally:
            over.set()
            dripping.join()

    assert "Traceback" not in running.log()


def test_clients_that_do_not_hang_up_keep_nobody_waiting(serving):
    """They have their answer, and were told that it is the last."""
    running = serving("obey")
    with ExitStack() as held:
        for _ in range(20):
            staying = held.enter_context(socket.create_connection(("127.0.0.1", running.metrics_port)))
            staying.sendall(b"GET /livez HTTP/1.1\r\nHost: x\r\nConnection: close\r\n\r\n")
        started = time.monotonic()
        running.until("/livez", 200, seconds=10)

    assert time.monotonic() - started < 2


@pytest.mark.slow
def test_a_client_that_does_not_read_its_answer_is_let_go(serving):
    """Answers pile up in the socket's buffers, then the worker would wait for ever."""
    running = serving("pile")
    with ExitStack() as held:
        for _ in range(THREADS):
            deaf = held.enter_context(socket.socket())
            deaf.setsockopt(socket.SOL_SOCKET, socket.SO_RCVBUF, 4096)
            deaf.connect(("127.0.0.1", running.metrics_port))
            deaf.sendall(b"GET /events HTTP/1.1\r\nHost: x\r\n\r\n")
        running.until("/livez", 200)

    assert "Traceback" not in running.log()


def test_a_program_that_ends_by_itself_ends_the_process_with_3(serving):
    running = serving("die")
    running.get("/events")

    assert 3 == running.wait()


def test_a_program_that_cannot_start_ends_the_process_with_3(start, free_ports):
    running = start(PROGRAM, *free_ports, "refuse")

    assert 3 == running.wait()
    assert "no, thank you" in running.log()


def test_a_worker_that_is_killed_is_not_replaced(serving):
    """The kubelet restarts the container, and counts it; a silent second start would hide the crash."""
    running = serving("obey")
    (worker,) = running.children()
    os.kill(worker, signal.SIGKILL)

    assert 3 == running.wait()
    assert 1 == running.log().count('"msg":"started"')


def test_a_worker_whose_master_is_killed_stops_like_on_a_signal(serving):
    running = serving("obey")
    (worker,) = running.children()
    running.signal(signal.SIGKILL)
    running.wait()
    deadline = time.monotonic() + 10
    while Path(f"/proc/{worker}").exists() and time.monotonic() < deadline:
        time.sleep(0.05)

    assert not Path(f"/proc/{worker}").exists()
    assert "told to stop" in running.log()


def test_every_line_is_json_and_no_request_is_logged(serving):
    running = serving("obey")
    running.get("/metrics")
    running.signal(signal.SIGTERM)
    running.wait()
    lines = [json.loads(line) for line in running.log().splitlines()]

    assert ["started", "told to stop"] == [line["msg"] for line in lines]


def test_no_file_is_left_and_none_is_written_beside_the_heartbeat(serving, tmp_path):
    """A read-only root file system is enough, given one directory for temporary files."""
    empty = tmp_path / "empty"
    empty.mkdir()
    running = serving("obey", environment={"TMPDIR": str(empty), "HOME": str(empty)})
    running.signal(signal.SIGTERM)

    assert 0 == running.wait()
    assert [] == list(empty.iterdir())
