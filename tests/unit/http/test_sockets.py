"""Listening, and what is said when it is not possible."""

import socket
import struct

import pytest

from steward.http.sockets import PATIENCE_SECONDS, PortUnavailable, listen


def test_a_taken_port_is_one_sentence_with_the_mend(free_ports):
    port = free_ports[0]
    with socket.create_server(("0.0.0.0", port)), pytest.raises(PortUnavailable) as caught:
        listen(port)

    assert f"port {port} is taken by another process. Stop that one, or choose another port." == str(caught.value)


def test_accepted_connections_have_limits_of_time(free_ports):
    """In both directions; the kernel hands them on from the listening socket."""
    with listen(free_ports[0]) as listening, socket.create_connection(("127.0.0.1", free_ports[0])):
        accepted, _ = listening.accept()
        with accepted:
            limits = [struct.unpack("@ll", accepted.getsockopt(socket.SOL_SOCKET, option, 16)) for option in (socket.SO_RCVTIMEO, socket.SO_SNDTIMEO)]

    assert [(PATIENCE_SECONDS, 0)] * 2 == limits


def test_accepted_connections_do_not_wait_for_more_to_send(free_ports):
    """Else the second part of an answer waits 40 ms for the client to confirm the first."""
    with listen(free_ports[0]) as listening, socket.create_connection(("127.0.0.1", free_ports[0])), listening.accept()[0] as accepted:
        assert accepted.getsockopt(socket.IPPROTO_TCP, socket.TCP_NODELAY)


def test_without_ipv6_the_other_family_is_served(free_ports, monkeypatch):
    """The kernel may know IPv6 and refuse its addresses, where it was switched off."""
    create = socket.create_server

    def refusing(address, **more):
        if more.get("family") == socket.AF_INET6:
            raise OSError(99, "Cannot assign requested address")
        return create(address, **more)

    monkeypatch.setattr(socket, "create_server", refusing)
    with listen(free_ports[0]) as listening:
        assert ("0.0.0.0", free_ports[0]) == listening.getsockname()
