"""Asks the cluster's DNS for one name, as a pod would: the end of the way through kube-proxy, CoreDNS and its watch of the API server."""

import socket
import struct

from clusterlib.node.settings import Settings

NAME = "kubernetes.default.svc.cluster.local"
"""There is one in every cluster."""

_TIMEOUT_SECONDS = 0.5
_HEADER = struct.Struct(">HHHHHH")
_RECURSION_DESIRED = 0x0100
_TYPE_A, _CLASS_IN = 1, 1
"""RFC 1035, sections 3.2 and 4.1"""


def answers(settings: Settings) -> bool:
    """Whether the name is answered with the API server's Service address."""
    labels = b"".join(bytes([len(label)]) + label.encode() for label in NAME.split("."))
    query = _HEADER.pack(1, _RECURSION_DESIRED, 1, 0, 0, 0) + labels + b"\0" + struct.pack(">HH", _TYPE_A, _CLASS_IN)
    with socket.socket(socket.AF_INET, socket.SOCK_DGRAM) as connection:
        connection.settimeout(_TIMEOUT_SECONDS)
        try:
            connection.sendto(query, (str(settings.dns_ip), 53))
            answer = connection.recv(512)
        except OSError:
            return False
    return answer.endswith(settings.api_service_ip.packed)
