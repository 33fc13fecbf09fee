"""Names, ports and addresses: what a pod says, and what a Service or an EndpointSlice may say. Pure."""

from __future__ import annotations

import hashlib
import ipaddress
import re
import socket
from collections.abc import Iterable, Iterator
from itertools import count

from steward.headless.model import ContainerPort, Pod

NAME_LIMIT = 63
"""Characters of a Service's name (RFC 1035 label)."""

_RFC1035 = re.compile(r"[a-z]([-a-z0-9]*[a-z0-9])?")
_PORT = re.compile(r"(?:(?P<name>[a-z0-9]([-a-z0-9]{0,13}[a-z0-9])?)=)?(?P<port>[0-9]{1,5})(?:/(?P<protocol>TCP|UDP|SCTP))?")

_FAMILIES = (
    ("IPv4", socket.AF_INET, (bytes(4), b"\x7f", b"\xa9\xfe", b"\xe0\x00\x00")),
    (
        "IPv6",
        socket.AF_INET6,
        (
            bytes(16),
            bytes(15) + b"\x01",
            bytes(10) + b"\xff\xff",
            *(bytes((0xFE, second)) for second in range(0x80, 0xC0)),
            *(bytes((0xFF, second)) for second in range(0x02, 0x100, 0x10)),
        ),
    ),
)
"""Address types of EndpointSlices, and the first bytes of the addresses they do not take: unspecified, loopback, link-local, in IPv6 also those that
stand for IPv4 (kubernetes/pkg/apis/core/validation, ValidateNonSpecialIP)."""

TRUE, FALSE = frozenset(("1", "t", "T", "TRUE", "true", "True")), frozenset(("0", "f", "F", "FALSE", "false", "False"))
"""What counts as true and as false in an annotation: Go's strconv.ParseBool."""


def as_bool(text: str) -> bool | None:
    """What an annotation says, or None when it is neither true nor false."""
    return True if text in TRUE else False if text in FALSE else None


def is_too_long(name: str) -> bool:
    """Whether a name is longer than a Service's may be."""
    return len(name) > NAME_LIMIT


def is_service_name(name: str) -> bool:
    """Whether a name may be that of a Service. Newer API servers would also take a leading digit (KEP-5311); older ones would not."""
    return not is_too_long(name) and _RFC1035.fullmatch(name) is not None


def hashed(name: str) -> str:
    """A Service name for any pod name: as much of it as fits, and ten digits of its SHA-256."""
    readable = re.sub(r"[^a-z0-9-]", "-", name.lower())
    if not readable[:1].isalpha():
        readable = f"p-{readable}"
    return f"{readable[: NAME_LIMIT - 11].rstrip('-')}-{hashlib.sha256(name.encode()).hexdigest()[:10]}"


def container_ports(pod: Pod) -> tuple[ContainerPort, ...]:
    """The ports of all containers that stay, each protocol and number once, every one with a name of its own."""
    return _named(port for container in pod.spec.serving for port in container.ports)


def endpoint_address(address: str) -> tuple[str, str] | None:
    """An address as an EndpointSlice takes it: its type, ``IPv4`` or ``IPv6``, and its canonical form (RFC 5952). None if none takes it."""
    for name, family, special in _FAMILIES:
        try:
            packed = socket.inet_pton(family, address)
        except (OSError, ValueError):
            continue
        # inet_pton takes IPv4 in its canonical form alone.
        return None if packed.startswith(special) else (name, address if family is socket.AF_INET else str(ipaddress.IPv6Address(packed)))
    return None


def parse_ports(text: str) -> tuple[ContainerPort, ...]:
    """Read ``web=8080,9090/UDP``.

    Raises:
        ValueError: Says which part is not understood, and what would be.
    """
    return _named(_parse_port(part.strip()) for part in text.split(",") if part.strip())


def _parse_port(part: str) -> ContainerPort:
    found = _PORT.fullmatch(part)
    if found is None or not 1 <= int(found["port"]) <= 65535:
        raise ValueError(f'"{part}" is not a port; write name=port/protocol, such as web=8080 or 9090/UDP')
    return ContainerPort(name=found["name"] or "", container_port=int(found["port"]), protocol=found["protocol"] or "TCP")


def _named(ports: Iterable[ContainerPort]) -> tuple[ContainerPort, ...]:
    taken: set[tuple[str, int]] = set()
    names: set[str] = set()
    made: list[ContainerPort] = []
    for port in ports:
        if (port.protocol, port.container_port) in taken:
            continue
        taken.add((port.protocol, port.container_port))
        name = next(name for name in _candidates(port) if name and name not in names)
        names.add(name)
        made.append(ContainerPort(name=name, container_port=port.container_port, protocol=port.protocol))
    return tuple(made)


def _candidates(port: ContainerPort) -> Iterator[str]:
    """Its own name, else one made of protocol and number, with one more number should another port be called that."""
    made = f"{port.protocol.lower()}-{port.container_port}"
    yield from (port.name, made)
    yield from (f"{made}-{number}" for number in count(2))
