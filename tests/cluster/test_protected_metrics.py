"""Metrics over TLS, for those only who may read them: on a real cluster, with a real Prometheus."""

import http.client
import re
import ssl
import subprocess
from contextlib import contextmanager

import pytest
from cluster.support.wait import until

from support.certificates import Authority

JOB = "steward-headless"
SECRET = "metrics-cert"
PROMETHEUS = {"kind": "ServiceAccount", "name": "prometheus", "namespace": "monitoring"}


def values(**tls):
    """Values of a release whose metrics are protected."""
    return {
        "metrics": {"tls": {"enabled": True, **tls}, "authorization": {"enabled": True, "subjects": [PROMETHEUS]}},
        "serviceMonitor": {"enabled": True, "interval": "2s"},
    }


@pytest.fixture(scope="module")
def authority(tmp_path_factory):
    """Signs certificates for the Service of the release."""
    return Authority(tmp_path_factory.mktemp("authority"), names="DNS:steward-headless-metrics.test-protected-steward.svc")


@pytest.fixture(scope="module")
def provide(cluster, authority):
    """Put a certificate of this common name into the Secret, as whoever renews it does."""

    def provide(name):
        authority.issue(name, f"/CN={name}", usage="server")
        files = {"tls.crt": f"{name}.crt", "tls.key": f"{name}.key", "ca.crt": "ca.crt"}
        data = {key: (authority.directory / file).read_text() for key, file in files.items()}
        metadata = {"name": SECRET, "namespace": "test-protected-steward"}
        cluster.apply({"apiVersion": "v1", "kind": "Secret", "metadata": metadata, "type": "kubernetes.io/tls", "stringData": data})

    return provide


@pytest.fixture(scope="module")
def release(releases, provide):
    """A release with a certificate that was there before."""
    release = releases("test-protected-steward")
    provide("first")
    release.install(values(mode="existingSecret", existingSecret=SECRET))
    return release


@pytest.fixture
def connect(cluster, release, authority):
    """Open HTTPS connections to a pod of the Service, from here; the certificate is checked."""
    host = f"{release.workload}-metrics.{release.namespace}.svc"

    class Connection(http.client.HTTPSConnection):
        def connect(self):
            http.client.HTTPConnection.connect(self)
            self.sock = ssl.create_default_context(cafile=authority.ca).wrap_socket(self.sock, server_hostname=host)

    @contextmanager
    def connect():
        command = ["kubectl", "port-forward", "--namespace", release.namespace, f"service/{release.workload}-metrics", ":metrics"]
        with subprocess.Popen(command, env=cluster.env, stdout=subprocess.PIPE, stderr=subprocess.DEVNULL, text=True) as forward:
            port = int(re.search(r"127\.0\.0\.1:(\d+)", forward.stdout.readline())[1])
            connection = Connection("127.0.0.1", port, timeout=20)
            try:
                yield connection
            finally:
                connection.close()
                forward.terminate()

    return connect


def status(connection, path, token=""):
    """What an answer to this bearer has."""
    connection.request("GET", path, headers={"Authorization": f"Bearer {token}"} if token else {})
    answer = connection.getresponse()
    answer.read()
    return answer.status


def until_up(prometheus, release):
    """The target, once its last scrape succeeded."""

    def look():
        targets = prometheus.targets(JOB, release.namespace)
        assert [("up", "")] == [(target["health"], target["lastError"]) for target in targets]
        return targets[0]

    return until(f"{release.namespace} is scraped", look, timeout=120)


def test_prometheus_reads_with_its_own_token_what_it_could_check(prometheus, release):
    assert until_up(prometheus, release)["scrapeUrl"].startswith("https://")
    assert prometheus.query(f'steward_component_ready{{namespace="{release.namespace}"}} == 1')


def test_nobody_else_reads(cluster, release, connect):
    """401 without a token or with a made-up one, 403 without the right; the right is Kubernetes' own, by RBAC."""
    strangers, readers = (
        cluster.kubectl("create", "token", account, "--namespace", namespace).strip()
        for account, namespace in (("default", release.namespace), (PROMETHEUS["name"], PROMETHEUS["namespace"]))
    )
    tokens = ("", "made-up", strangers, readers)
    with connect() as connection:
        answers = {path: [status(connection, path, token) for token in tokens] for path in ("/", "/metrics", "/events", "/livez")}

    assert {"/": [401, 401, 403, 200], "/metrics": [401, 401, 403, 200], "/events": [401, 401, 403, 200], "/livez": [200] * 4} == answers


def test_the_test_of_the_release_passes(release):
    assert "answered 401" in release.test()


def test_a_renewed_certificate_is_taken_without_a_restart(cluster, prometheus, release, provide, connect):
    (pod,) = cluster.select("pods", "--namespace", release.namespace, "--selector", f"{release.selector},app.kubernetes.io/component=headless")

    def subject():
        with connect() as connection:
            connection.connect()
            return connection.sock.getpeercert()["subject"][0][0][1]

    before = subject()
    provide("second")
    # The kubelet looks at once when the pod changes, else after a minute or two.
    cluster.kubectl("annotate", "pod", pod["metadata"]["name"], "--namespace", release.namespace, "steward.dev/test=renewed")
    until("the renewed certificate is shown", lambda: "second" == subject(), timeout=180)
    (after,) = cluster.select("pods", "--namespace", release.namespace, "--selector", f"{release.selector},app.kubernetes.io/component=headless")

    assert "first" == before
    assert pod["metadata"]["uid"] == after["metadata"]["uid"]
    assert [0] == [container["restartCount"] for container in after["status"]["containerStatuses"]]
    until_up(prometheus, release)


def test_a_pod_makes_its_own_certificate_where_nobody_gives_one(prometheus, release):
    """Prometheus is told not to check it."""
    release.upgrade(values())

    until_up(prometheus, release)
    assert "answered 401" in release.test()
