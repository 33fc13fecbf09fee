"""What is read from kubeconfigs, certificates and the environment before the first request."""

import ssl
import subprocess
import sys
from pathlib import Path

import pytest
from kubernetes.client import Configuration

from steward.runtime import auth, errors
from steward.runtime.auth import Credentials
from steward.runtime.transport import HTTPTransport, Request
from steward.telemetry.secret import Secret
from support import certificates
from support.certificates import Authority
from support.fakeapi import FakeAPI
from support.fakeapi.http import HTTPServer

GET = Request(errors.Call("get", "configmaps", "default", "a"), "GET", "/api/v1/namespaces/default/configmaps/a")

SERVER = "https://10.96.0.1:443"
PROXY = "http://proxy.example:3128"


@pytest.fixture
def environment(monkeypatch):
    """No proxy and no cluster, whatever the machine has; then set what a test needs."""
    for name in ("HTTP_PROXY", "HTTPS_PROXY", "NO_PROXY", "ALL_PROXY"):
        monkeypatch.delenv(name, raising=False)
        monkeypatch.delenv(name.lower(), raising=False)
    monkeypatch.delenv("KUBERNETES_SERVICE_HOST", raising=False)
    return monkeypatch.setenv


@pytest.fixture
def kubeconfig(environment, monkeypatch, tmp_path):
    """Write a kubeconfig and point to it."""
    file = tmp_path / "kubeconfig"

    def write(text: str) -> Path:
        file.write_text(text)
        monkeypatch.setenv("KUBECONFIG", str(file))
        monkeypatch.setattr("kubernetes.config.kube_config.KUBE_CONFIG_DEFAULT_LOCATION", str(file))
        return file

    return write


@pytest.mark.parametrize(
    ("no_proxy", "proxy"),
    [
        (None, PROXY),
        ("", PROXY),
        ("192.168.0.0/16,.example.org", PROXY),
        ("127.0.0.1,10.96.0.0/12", None),
        ("10.96.0.1", None),
        ("10.96.0.1:443", None),
        ("10.96.0.1:6443,0.96.0.1", PROXY),
        ("*", None),
    ],
    ids=["not set", "empty", "others", "network", "address", "with its port", "another port", "all"],
)
def test_no_proxy_is_honoured(environment, no_proxy, proxy):
    """The API server is reached directly when NO_PROXY names it, as by kubectl and the official client."""
    environment("HTTPS_PROXY", PROXY)
    if no_proxy is not None:
        environment("NO_PROXY", no_proxy)

    assert proxy == Credentials(Configuration(host=SERVER), user_agent="steward-test/1").proxy


@pytest.fixture
def service_account(tmp_path, monkeypatch):
    """The files of a pod's service account, and the variables the kubelet sets."""
    account = tmp_path / "serviceaccount"
    account.mkdir()
    (account / "token").write_text("secret\n")
    (account / "ca.crt").write_text("certificate")
    monkeypatch.setattr(auth, "SERVICE_ACCOUNT", account)
    monkeypatch.setenv("KUBERNETES_SERVICE_HOST", "10.96.0.1")
    monkeypatch.setenv("KUBERNETES_SERVICE_PORT", "443")
    return account


@pytest.mark.parametrize(("host", "url"), [("10.96.0.1", SERVER), ("fd00::1", "https://[fd00::1]:443")], ids=["IPv4", "IPv6"])
def test_in_a_pod_the_kubelet_says_where_the_server_is(environment, service_account, host, url):
    environment("KUBERNETES_SERVICE_HOST", host)
    environment("HTTPS_PROXY", PROXY)
    environment("NO_PROXY", ".svc")
    found = auth.load(user_agent="steward-test/1")

    assert (url, PROXY, {"authorization": Secret("Bearer secret")}) == (found.host, found.proxy, found.headers())


@pytest.mark.parametrize(
    ("break_it", "said"),
    [
        (lambda account, environment: (account / "token").write_text(""), "token is empty"),
        (lambda account, environment: (account / "ca.crt").unlink(), "No such file or directory: '{account}/ca.crt'"),
        (lambda account, environment: (account / "ca.crt").write_text(""), "{account}/ca.crt is empty"),
        (lambda account, environment: environment("KUBERNETES_SERVICE_PORT", ""), "KUBERNETES_SERVICE_PORT is empty"),
    ],
    ids=["empty token", "no authority", "empty authority", "no port"],
)
def test_a_service_account_that_is_not_whole_is_one_line(environment, service_account, break_it, said):
    break_it(service_account, environment)

    with pytest.raises(errors.ConfigError) as caught:
        auth.load(user_agent="steward-test/1")
    message = str(caught.value)
    assert said.format(account=service_account) in message
    assert message.endswith("Let the pod mount its token.")


def test_a_pod_does_not_load_the_official_client(environment, service_account):
    """It costs a tenth of a second and 12 MB, and gives a pod nothing."""
    program = (
        "import sys, pathlib; from steward.runtime import auth; import steward.cli.assembly\n"
        "auth.SERVICE_ACCOUNT = pathlib.Path(sys.argv[1]); auth.load(user_agent='x').headers()\n"
        "print([one for one in ('kubernetes', 'aiohttp', 'requests', 'pydantic') if one in sys.modules])"
    )
    done = subprocess.run([sys.executable, "-c", program, service_account], capture_output=True, text=True, check=True)

    assert "[]\n" == done.stdout


async def test_a_server_named_in_no_proxy_is_reached_although_the_proxy_is_dead(environment):
    environment("HTTP_PROXY", "http://127.0.0.1:9")
    environment("NO_PROXY", "127.0.0.1")
    async with HTTPServer(FakeAPI()) as server:
        transport = HTTPTransport(Credentials(Configuration(host=server.url), user_agent="steward-test/1"))
        try:
            assert 404 == (await transport.send(GET, timeout=5)).status
        finally:
            await transport.close()


async def _reach(authority: Authority, *, trusted: Path) -> int:
    """Ask a server with a certificate of one authority, trusting those of a file; the status."""
    async with HTTPServer(FakeAPI(), tls=authority.server()) as server:
        transport = HTTPTransport(Credentials(Configuration(host=server.url, ssl_ca_cert=str(trusted)), user_agent="steward-test/1"))
        try:
            return (await transport.send(GET, timeout=5)).status
        finally:
            await transport.close()


@pytest.fixture
def strict(monkeypatch):
    """The defaults of Python 3.13 and later, on every Python."""
    create = ssl.create_default_context

    def created(*arguments, **more):
        context = create(*arguments, **more)
        context.verify_flags |= ssl.VERIFY_X509_STRICT | ssl.VERIFY_X509_PARTIAL_CHAIN
        return context

    monkeypatch.setattr(ssl, "create_default_context", created)


@pytest.fixture
def without_key_identifiers(monkeypatch):
    """Certificates as clusters of long ago have them; RFC 5280 allows it of a CA."""
    settings = certificates._SETTINGS.replace("KeyIdentifier = hash", "KeyIdentifier = none").replace("KeyIdentifier = keyid", "KeyIdentifier = none")
    monkeypatch.setattr(certificates, "_SETTINGS", settings)


async def test_a_ca_without_key_identifiers_is_trusted(environment, strict, without_key_identifiers, tmp_path):
    """EKS made such CAs; kubectl takes them (kubernetes-client/python #2394)."""
    authority = Authority(tmp_path / "ca")

    assert 404 == await _reach(authority, trusted=authority.ca)


async def test_another_ca_is_still_refused(environment, strict, without_key_identifiers, tmp_path):
    authority, other = Authority(tmp_path / "ca"), Authority(tmp_path / "other")

    with pytest.raises(errors.ConnectFailed, match="CERTIFICATE_VERIFY_FAILED"):
        await _reach(authority, trusted=other.ca)


@pytest.mark.parametrize(
    ("text", "said"),
    [
        ("clusters: [", "while parsing"),
        ("just words", "not the shape of a kubeconfig"),
        ("- a\n- list", "not the shape of a kubeconfig"),
        ("", "Invalid kube-config"),
        ("current-context: a\ncontexts: 7", "kubeconfig"),
        ("current-context: a\ncontexts: [{name: a, context: {cluster: b, user: c}}]", "Invalid kube-config"),
        ("\x00", "special characters are not allowed"),
    ],
    ids=["no YAML", "a scalar", "a list", "empty", "a number for contexts", "no cluster", "no text"],
)
def test_a_broken_kubeconfig_is_one_line_with_the_file_and_the_fix(kubeconfig, text, said):
    file = kubeconfig(text)

    with pytest.raises(errors.ConfigError) as caught:
        auth.load(user_agent="steward-test/1")
    message = str(caught.value)
    assert "\n" not in message
    assert str(file) in message
    assert said in message
    assert message.endswith("Set KUBECONFIG to a readable kubeconfig, or run inside a cluster.")


def test_a_kubeconfig_that_may_not_be_read_is_one_line(kubeconfig, monkeypatch):
    kubeconfig("")
    monkeypatch.setattr("kubernetes.config.load_kube_config", _refuse)

    with pytest.raises(errors.ConfigError, match="Permission denied"):
        auth.load(user_agent="steward-test/1")


def _refuse(**_: object) -> None:
    raise PermissionError(13, "Permission denied")
