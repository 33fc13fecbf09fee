"""What the node's daemons read, and the addresses in it."""

import json
import ssl
import subprocess
from ipaddress import IPv4Network
from pathlib import Path

import pytest
import yaml
from clusterlib import paths as places
from clusterlib import processes
from clusterlib.errors import ClusterError
from clusterlib.node import config, daemons, pki, settings
from clusterlib.node.settings import Settings


@pytest.fixture
def own(tmp_path):
    return Settings(tmp_path / "node", "0123abcd", IPv4Network("10.99.0.0/16"))


@pytest.fixture
def files(own):
    return config.render(own, runc="/usr/sbin/runc", pause_image="registry.k8s.io/pause:3.10.1")


def test_addresses_do_not_overlap(own):
    link = IPv4Network(f"{own.host_ip}/30", strict=False)
    networks = [link, own.pods, own.services]

    assert own.node_ip in link
    assert own.api_service_ip in own.services
    assert own.dns_ip in own.services
    assert own.node_pods.subnet_of(own.pods)
    assert not any(one.overlaps(other) for one in networks for other in networks if one is not other)
    assert all(network.subnet_of(own.network) for network in networks)


def test_names_fit_where_they_go(own):
    """An interface's name has at most 15 characters, a socket's path 107 bytes."""
    assert len(own.host_link) <= 15
    assert len(settings.CONTAINERD_SOCKET) < 108


@pytest.mark.parametrize("cidr", ["10.0.0.0/24", "8.8.0.0/16", "10.1.2.3/16", "nonsense"], ids=["too small", "public", "host bits", "no network"])
def test_a_wrong_network_is_refused_with_an_example(paths, monkeypatch, cidr):
    monkeypatch.setenv("STEWARD_NODE_CIDR", cidr)
    with pytest.raises(ClusterError, match=rf"^STEWARD_NODE_CIDR={cidr}.*Give .*like 10\.213\.0\.0/16"):
        settings.find(paths)


def test_two_checkouts_have_nodes_of_different_names(tmp_path):
    from clusterlib.paths import Paths

    one, other = (settings.find(Paths(tmp_path, tmp_path / name)) for name in ("a", "b"))
    assert one.host_link != other.host_link
    assert one.cgroup != other.cgroup


def test_every_template_becomes_a_file_that_parses(files):
    for name, text in files.items():
        assert "$" not in text, name
        if name.endswith(".yaml"):
            assert yaml.safe_load(text)["kind"]
    assert json.loads(files["cni/10-pods.conflist"])["plugins"][0]["ipam"]["ranges"] == [[{"subnet": "10.99.64.0/24"}]]


def test_a_template_without_its_word_fails(own, monkeypatch, tmp_path):
    (tmp_path / "resolv.conf").write_text("nameserver $nobody\n")
    monkeypatch.setattr(config, "_TEMPLATES", tmp_path)
    monkeypatch.setattr(config, "FILES", {"resolv.conf": "resolv.conf"})
    with pytest.raises(KeyError, match="nobody"):
        config.render(own, runc="runc", pause_image="pause")


def test_the_audit_log_has_every_service_account(files):
    """Left out are three loops of the control plane, by name; the last rule takes all others, with user, verb and response code."""
    rules = yaml.safe_load(files["audit-policy.yaml"])["rules"]
    assert rules[-1] == {"level": "Metadata"}
    assert not [user for rule in rules[:-1] for user in rule["users"] if "serviceaccount" in user]


def test_containerd_reads_its_file_as_it_is_meant(own, files, tmp_path):
    containerd = places.find().bin / "containerd"
    if not containerd.exists():
        pytest.skip("containerd is not built: ci/cluster tools containerd")
    (tmp_path / "containerd.toml").write_text(files["containerd.toml"])
    read = subprocess.run([containerd, "--config", tmp_path / "containerd.toml", "config", "dump"], capture_output=True, text=True, check=True).stdout

    assert "sandbox = 'registry.k8s.io/pause:3.10.1'" in read
    assert "BinaryName = '/usr/sbin/runc'" in read
    assert "bin_dirs = ['/run/node/bin']" in read


def test_the_plan_names_each_daemon_once_and_only_flags_that_are_set(own):
    plan = json.loads(daemons.as_json(own))
    names = [daemon["name"] for daemon in plan["daemons"]]

    assert sorted(names) == ["containerd", "etcd", "kube-apiserver", "kube-controller-manager", "kube-proxy", "kube-scheduler", "kubelet"]
    for daemon in plan["daemons"]:
        assert not [word for word in daemon["argv"] if word.endswith("=") or "None" in word], daemon["name"]


@pytest.fixture(scope="module")
def certificates(tmp_path_factory):
    state = tmp_path_factory.mktemp("node")
    own = Settings(state, "0123abcd", IPv4Network("10.99.0.0/16"))
    pki.make(own, state / "pki", processes.environment(state))
    return own


@pytest.mark.parametrize("leaf", pki.leaves(Settings(Path("x"), "x", IPv4Network("10.99.0.0/16"))), ids=lambda leaf: leaf.name)
def test_certificates_are_signed_by_their_authority_for_their_use(certificates, leaf):
    directory = certificates.state / "pki"
    purpose = "sslserver" if "serverAuth" in leaf.usage else "sslclient"
    subprocess.run(["openssl", "verify", "-purpose", purpose, "-CAfile", f"{leaf.authority}.crt", f"{leaf.name}.crt"], cwd=directory, check=True)
    command = ["openssl", "x509", "-noout", "-ext", "subjectAltName", "-in", f"{leaf.name}.crt"]
    printed = subprocess.run(command, cwd=directory, capture_output=True, text=True, check=True).stdout
    for name in filter(None, leaf.names.split(",")):
        assert name.replace("IP:", "IP Address:") in printed


def test_kubeconfigs_hold_their_certificates_and_are_the_owners_alone(certificates):
    for name in pki.KUBECONFIGS:
        path = certificates.state / f"{name}.kubeconfig"
        read = json.loads(path.read_text())
        assert path.stat().st_mode & 0o077 == 0
        assert read["clusters"][0]["cluster"]["server"] == "https://10.99.0.2:6443"
        assert set(read["users"][0]["user"]) == {"client-certificate-data", "client-key-data"}
    context = ssl.create_default_context(cafile=str(certificates.state / "pki" / "ca.crt"))
    context.load_cert_chain(certificates.state / "pki" / "admin.crt", certificates.state / "pki" / "admin.key")
