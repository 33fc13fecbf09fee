"""Listening sockets, bound before anything else starts: a taken port is then one line, not a retry loop in a half-started server."""

from __future__ import annotations

import errno
import socket
import struct

BACKLOG = 128
"""Connections that may wait for the worker. The kubelet and one or two Prometheus servers are all who come."""

PATIENCE_SECONDS = 3
"""What a client may be silent in the middle of a request or an answer. A worker has few threads, and whoever stops halfway would keep one
for ever; below the 10 s after which the kubelet gives up a probe, so that a probe behind such clients is still answered."""

_NO_IPV6 = (errno.EAFNOSUPPORT, errno.EADDRNOTAVAIL)


class PortUnavailable(Exception):
    """A port cannot be listened on; the message says why and what to do."""


def listen(port: int) -> socket.socket:
    """Listen on a TCP port of every address: ``[::]`` for both families where the machine has IPv6, else ``0.0.0.0``.

    Accepted connections inherit what is set here (socket(7), tcp(7)): limits of time, and that nothing waits for more to send. An answer in two
    parts would else wait 40 ms for the client to confirm the first; asyncio sees to that only where it has made the socket itself.

    Raises: PortUnavailable.
    """
    listening = _bind(port)
    limit = struct.pack("@ll", PATIENCE_SECONDS, 0)
    for option in (socket.SO_RCVTIMEO, socket.SO_SNDTIMEO):
        listening.setsockopt(socket.SOL_SOCKET, option, limit)
    listening.setsockopt(socket.IPPROTO_TCP, socket.TCP_NODELAY, 1)
    return listening


def _bind(port: int) -> socket.socket:
    try:
        if socket.has_dualstack_ipv6():
            try:
                return socket.create_server(("::", port), family=socket.AF_INET6, dualstack_ipv6=True, backlog=BACKLOG)
            except OSError as error:
                # The kernel has the family, but it is switched off (net.ipv6.conf.all.disable_ipv6).
                if error.errno not in _NO_IPV6:
                    raise
        return socket.create_server(("0.0.0.0", port), backlog=BACKLOG)  # noqa: S104 - the kubelet and Prometheus come from other machines
    except OSError as error:
        raise PortUnavailable(_explain(port, error)) from error


def _explain(port: int, error: OSError) -> str:
    if error.errno == errno.EADDRINUSE:
        return f"port {port} is taken by another process. Stop that one, or choose another port."
    if error.errno == errno.EACCES:
        return f"port {port} may not be used by this user. Choose one above 1023."
    return f"port {port}: {error.strerror}."
