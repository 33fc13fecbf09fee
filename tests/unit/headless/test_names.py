"""Which names a Service may have, what is made of those it may not, and which ports a pod publishes."""

import re

import pytest
from hypothesis import given
from hypothesis import strategies as st

from steward.headless.model import PODS
from steward.headless.names import as_bool, container_ports, endpoint_address, hashed, is_service_name, is_too_long, parse_ports
from support.addresses import REFUSED, TAKEN
from support.builders import model, pod

DNS_LABEL = re.compile(r"[a-z0-9]([-a-z0-9]{0,61}[a-z0-9])?")
"""RFC 1123, what the API server asks of the name of a port."""


@pytest.mark.parametrize("name", ["a", "web-0", "a--b", "web0", "a" * 63], ids=lambda name: name[:10])
def test_an_rfc_1035_label_may_name_a_service(name):
    assert is_service_name(name)


@pytest.mark.parametrize("name", ["", "9lives", "web.0", "Web", "web-", "-web", "web_0", "web\n", "wéb", "a" * 64], ids=lambda name: repr(name[:10]))
def test_anything_else_may_not(name):
    assert not is_service_name(name)


@pytest.mark.parametrize(("length", "too_long"), [(63, False), (64, True)])
def test_63_characters_are_the_limit(length, too_long):
    """RFC 1035; inventory 0.3 and row 51."""
    assert too_long == is_too_long("a" * length)


@pytest.mark.parametrize(
    ("name", "expected"),
    [
        ("9lives", "p-9lives-bc867356de"),
        ("web.0", "web-0-2acf1e4b3d"),
        ("w1.x", "w1-x-0c4b08e545"),
        ("a" * 64, "a" * 52 + "-ffe054fe7a"),
        ("a" * 51 + "-" + "b" * 20, "a" * 51 + "-c6901826cb"),
    ],
    ids=["digit", "dot", "digit second", "long", "cut at a hyphen"],
)
def test_a_hashed_name_never_changes(name, expected):
    """People and DNS caches rely on it over restarts and versions."""
    assert expected == hashed(name)


@given(st.text(min_size=1, max_size=253))
def test_a_hashed_name_is_one_a_service_may_have(name):
    assert is_service_name(hashed(name))


@given(st.text("ab.-", min_size=1, max_size=80), st.text("ab.-", min_size=1, max_size=80))
def test_different_names_have_different_hashed_names(one, other):
    """Also where what is readable of them is the same."""
    assert (one == other) == (hashed(one) == hashed(other))


@pytest.mark.parametrize(
    ("text", "expected"),
    [
        ("", []),
        (" , ", []),
        ("8080", [("tcp-8080", 8080, "TCP")]),
        ("web=8080", [("web", 8080, "TCP")]),
        ("web=8080/TCP, dns=53/UDP,9/SCTP", [("web", 8080, "TCP"), ("dns", 53, "UDP"), ("sctp-9", 9, "SCTP")]),
        ("53/UDP,53/TCP,53", [("udp-53", 53, "UDP"), ("tcp-53", 53, "TCP")]),
        ("a=1,a=2", [("a", 1, "TCP"), ("tcp-2", 2, "TCP")]),
        ("1,65535", [("tcp-1", 1, "TCP"), ("tcp-65535", 65535, "TCP")]),
    ],
    ids=["none", "only a comma", "number", "name", "protocols", "the same port twice", "the same name twice", "limits"],
)
def test_ports_are_read_from_text(text, expected):
    assert expected == [(port.name, port.container_port, port.protocol) for port in parse_ports(text)]


@pytest.mark.parametrize("part", ["http", "0", "65536", "web=", "=80", "80/udp", "80/", "Web=80", "a" * 16 + "=80", "-a=80", "80:90", "8080 9090"])
def test_what_is_no_port_is_named_and_answered_with_what_would_be_one(part):
    with pytest.raises(ValueError) as caught:
        parse_ports(f"80,{part}")

    assert f'"{part}" is not a port; write name=port/protocol, such as web=8080 or 9090/UDP' == str(caught.value)


@pytest.mark.parametrize("address", [*TAKEN, *REFUSED], ids=str)
def test_an_address_has_the_family_of_the_endpointslice_that_takes_it(address):
    expected = ("IPv6" if ":" in address else "IPv4", address.lower()) if address in TAKEN else None

    assert expected == endpoint_address(address)


@given(st.ip_addresses())
def test_only_addresses_that_mean_the_same_everywhere_are_published(address):
    """As ValidateNonSpecialIP of Kubernetes."""
    special = address.is_unspecified or address.is_loopback or address.is_link_local or getattr(address, "ipv4_mapped", None) is not None
    if address.is_multicast:
        link_local = address.packed[:3] == b"\xe0\0\0" if address.version == 4 else address.packed[1] & 0x0F == 2
        special = special or link_local

    assert (None if special else (f"IPv{address.version}", str(address))) == endpoint_address(address.exploded)


def test_a_sidecars_ports_are_published_and_those_of_a_container_that_ends_are_not():
    """KEP-753: an init container that is always restarted runs as long as the pod."""
    sidecar = {"name": "proxy", "restartPolicy": "Always", "ports": [{"name": "admin", "containerPort": 15000}, {"containerPort": 80}]}
    setup = {"name": "setup", "ports": [{"name": "setup", "containerPort": 9999}]}
    manifest = pod()
    manifest["spec"]["initContainers"] = [setup, sidecar]

    assert [("http", 80), ("admin", 15000)] == [(port.name, port.container_port) for port in container_ports(model(PODS, manifest))]


def test_ports_of_all_containers_are_published_once_each():
    """Containers of a pod share its address, so a protocol and a number are one port."""
    found = model(PODS, pod(ports=({"name": "http", "containerPort": 80}, {"containerPort": 80}, {"containerPort": 80, "protocol": "UDP"})))

    assert [("http", 80, "TCP"), ("udp-80", 80, "UDP")] == [(port.name, port.container_port, port.protocol) for port in container_ports(found)]


@pytest.mark.parametrize(
    ("ports", "expected"),
    [
        (({"name": "tcp-81", "containerPort": 80}, {"containerPort": 81}), ["tcp-81", "tcp-81-2"]),
        (({"containerPort": 81}, {"name": "tcp-81", "containerPort": 80}), ["tcp-81", "tcp-80"]),
        (
            ({"name": "tcp-81", "containerPort": 80}, {"name": "tcp-81-2", "containerPort": 82}, {"containerPort": 81}),
            ["tcp-81", "tcp-81-2", "tcp-81-3"],
        ),
    ],
    ids=["before", "after", "twice"],
)
def test_a_port_may_be_called_what_another_would_be_called(ports, expected):
    """The API server takes no two ports of one name, and a pod that it takes has no two either."""
    assert expected == [port.name for port in container_ports(model(PODS, pod(ports=ports)))]


own_names = st.sampled_from(["", "", "web", "tcp-80", "tcp-81", "tcp-80-2", "udp-80"])
some_ports = st.lists(st.tuples(own_names, st.integers(79, 82), st.sampled_from(["TCP", "UDP"])), max_size=8)


@given(some_ports)
def test_published_ports_are_unique_by_name_and_by_number(ports):
    given = tuple({"name": name, "containerPort": number, "protocol": protocol} for name, number, protocol in ports)
    found = container_ports(model(PODS, pod(ports=given)))
    wanted = {(protocol, number) for _, number, protocol in ports}

    assert sorted(wanted) == sorted((port.protocol, port.container_port) for port in found)
    assert len(found) == len({port.name for port in found})
    assert all(DNS_LABEL.fullmatch(port.name) for port in found)


@pytest.mark.parametrize(
    ("text", "expected"),
    [*((text, True) for text in ("1", "t", "T", "TRUE", "true", "True")), *((text, False) for text in ("0", "f", "F", "FALSE", "false", "False"))],
)
def test_true_and_false_are_those_of_go(text, expected):
    """strconv.ParseBool, which people know from Kubernetes' own annotations."""
    assert expected is as_bool(text)


@pytest.mark.parametrize("text", ["", "yes", "on", "tRUE", "true ", "2"])
def test_anything_else_is_neither(text):
    assert as_bool(text) is None
