"""Asks a cluster's DNS from inside a pod, and prints a line of JSON for every answer that differs from the one before.

It is handed to the `python3` of a pod: `kubectl exec POD -- python3 -c "$(cat lookup.py)" [--watch SECONDS] NAME[/TYPE]...`. So it has the standard
library only, and writes its own packets: getaddrinfo knows neither SRV nor the difference between "no such name" and "no answer".
"""

import argparse
import json
import os
import random
import select
import socket
import struct
import sys
import time
from pathlib import Path
from typing import Any

TYPES = {"A": 1, "AAAA": 28, "SRV": 33}
"""RFC 1035 3.2.2, RFC 3596, RFC 2782."""
CODES = {0: "NOERROR", 2: "SERVFAIL", 3: "NXDOMAIN", 5: "REFUSED"}
"""RFC 1035 4.1.1."""
TIMEOUT_SECONDS = 2.0
PAUSE_SECONDS = 0.005


def nameserver() -> str:
    """The first of /etc/resolv.conf: in a pod, that of the cluster."""
    lines = Path("/etc/resolv.conf").read_text(encoding="utf-8").splitlines()
    return next(line.split()[1] for line in lines if line.startswith("nameserver"))


def ask(server: str, name: str, kind: str) -> dict[str, Any]:
    """One question over UDP, sent again when no answer comes. `name` is taken as it is, no search domain is added.

    Returns: the response code, and the sorted data of the answers of that type.
    """
    number = random.randrange(1 << 16)  # noqa: S311 (tells answers apart, no secret)
    question = b"".join(bytes([len(label)]) + label.encode() for label in name.rstrip(".").split(".")) + b"\0"
    packet = struct.pack("!6H", number, 0x0100, 1, 0, 0, 0) + question + struct.pack("!2H", TYPES[kind], 1)
    with socket.socket(socket.AF_INET6 if ":" in server else socket.AF_INET, socket.SOCK_DGRAM) as udp:
        udp.settimeout(TIMEOUT_SECONDS)
        udp.connect((server, 53))
        for _ in range(3):
            udp.send(packet)
            try:
                answer = udp.recv(4096)
            except TimeoutError:
                continue
            if struct.unpack_from("!H", answer)[0] == number:
                return {"code": CODES.get(answer[3] & 15, str(answer[3] & 15)), "answers": sorted(_records(answer, TYPES[kind]))}
    return {"code": "TIMEOUT", "answers": []}


def _records(packet: bytes, kind: int) -> list[str]:
    """The data of all records of one type in the answer section."""
    at = _name(packet, 12)[1] + 4
    found = []
    for _ in range(struct.unpack_from("!H", packet, 6)[0]):
        at = _name(packet, at)[1]
        this, _, _, length = struct.unpack_from("!HHIH", packet, at)
        at += 10
        if this == kind:
            found.append(_data(packet, at, length, kind))
        at += length
    return found


def _data(packet: bytes, at: int, length: int, kind: int) -> str:
    if kind == TYPES["SRV"]:
        port = struct.unpack_from("!H", packet, at + 4)[0]
        return f"{_name(packet, at + 6)[0]}:{port}"
    return socket.inet_ntop(socket.AF_INET if kind == TYPES["A"] else socket.AF_INET6, packet[at : at + length])


def _name(packet: bytes, at: int) -> tuple[str, int]:
    """A name that begins at `at`, and where what follows it begins; labels may lie elsewhere (RFC 1035 4.1.4)."""
    labels: list[str] = []
    end = 0
    while length := packet[at]:
        if length >= 0xC0:
            end = end or at + 2
            at = struct.unpack_from("!H", packet, at)[0] & 0x3FFF
            continue
        labels.append(packet[at + 1 : at + 1 + length].decode())
        at += 1 + length
    return ".".join(labels), end or at + 1


def main() -> None:
    """Ask every name once; or again and again for a while, and those that come on stdin meanwhile too."""
    parser = argparse.ArgumentParser(description=__doc__)
    parser.add_argument("--watch", type=float, default=0.0, metavar="SECONDS", help="ask again and again for that long (default: ask once)")
    parser.add_argument("questions", nargs="*", metavar="NAME[/TYPE]", help="a full name; its type is A, AAAA or SRV (default A)")
    arguments = parser.parse_args()

    server = nameserver()
    questions = list(arguments.questions)
    listening, unfinished = arguments.watch > 0, ""
    last: dict[str, dict[str, Any]] = {}
    deadline = time.monotonic() + arguments.watch
    while True:
        for question in questions:
            name, _, kind = question.partition("/")
            answer = ask(server, name, kind or "A")
            if answer != last.get(question):
                last[question] = answer
                print(json.dumps({"question": question, **answer}), flush=True)
        if time.monotonic() >= deadline:
            return
        if listening and select.select([sys.stdin], [], [], PAUSE_SECONDS)[0]:
            chunk = os.read(sys.stdin.fileno(), 65536)
            listening = bool(chunk)
            *lines, unfinished = (unfinished + chunk.decode()).split("\n")
            questions += [line.strip() for line in lines if line.strip()]
        elif not listening:
            time.sleep(PAUSE_SECONDS)


if __name__ == "__main__":
    main()
