"""Releases of the chart and the CustomResourceDefinitions in a real API server: installed, upgraded, kept, taken back, left alone."""

import json
import shutil
import ssl
import subprocess
import urllib.error
import urllib.request

import pytest
from cluster.support.wait import until

from support import helm

pytestmark = [pytest.mark.apiserver, pytest.mark.timeout(300)]

NAME = "devopspolicies.policy.steward.dev"
VALUES = helm.alone("policy")


@pytest.fixture(scope="module")
def cluster(control_plane, tmp_path_factory):
    kubeconfig = tmp_path_factory.mktemp("helm") / "config"
    control_plane.kubeconfig(kubeconfig)
    return Cluster(control_plane, str(kubeconfig))


class Cluster:
    """The API server, as helm and an administrator see it."""

    def __init__(self, plane, kubeconfig):
        self.plane, self.kubeconfig = plane, kubeconfig

    def run(self, *arguments, values=None):
        """Run helm; what it did. Nothing is waited for: there are no nodes."""
        command = [helm.tool("helm"), *arguments, "--kubeconfig", self.kubeconfig]
        given = ["--values", "-"] if values is not None else []
        return subprocess.run([*command, *given], input=json.dumps(values or {}), capture_output=True, text=True, check=False)

    def install(self, release, namespace, *, chart=helm.CHART, **crds):
        return self.run("upgrade", release, str(chart), "--install", "--namespace", namespace, "--create-namespace", values={**VALUES, "crds": crds})

    def definition(self, method="GET"):
        """The definition of policies; None when there is none."""
        url = f"{self.plane.url}/apis/apiextensions.k8s.io/v1/customresourcedefinitions/{NAME}"
        context = ssl.create_default_context(cafile=self.plane.trusted)
        context.load_cert_chain(self.plane.directory / "admin.crt", self.plane.directory / "admin.key")
        request = urllib.request.Request(url, method=method)
        try:
            with urllib.request.urlopen(request, context=context) as answer:
                return json.load(answer)
        except urllib.error.HTTPError as refused:
            refused.close()
            return None

    def owner(self):
        """The release that has the definition."""
        return self.definition()["metadata"]["annotations"]["meta.helm.sh/release-name"]


def test_the_life_of_the_definitions(cluster, tmp_path):
    """One story, because its steps are those of one cluster."""
    cluster.definition("DELETE")
    until("no definition is left of other tests", lambda: cluster.definition() is None)
    first = cluster.install("one", "a")
    assert (0, "one") == (first.returncode, cluster.owner()), first.stderr

    second = cluster.install("two", "b")
    assert (0, "one") == (second.returncode, cluster.owner()), second.stderr

    newer = shutil.copytree(helm.CHART, tmp_path / "steward")
    file = newer / "files" / "crds" / f"{NAME}.yaml"
    file.write_text(file.read_text().replace("- dop\n", "- dop\n    - rules\n"))
    upgraded = cluster.install("one", "a", chart=newer, additionalLabels={"team": "x"})
    assert 0 == upgraded.returncode, upgraded.stderr
    after = cluster.definition()
    assert ("x", ["dop", "rules"]) == (after["metadata"]["labels"]["team"], after["spec"]["names"]["shortNames"])

    assert 0 == cluster.run("uninstall", "one", "--namespace", "a").returncode
    assert cluster.definition() is not None, "policies of every team would have gone with it"

    again = cluster.install("one", "a", keep=False)
    assert (0, "one") == (again.returncode, cluster.owner()), again.stderr
    assert 0 == cluster.run("uninstall", "one", "--namespace", "a").returncode
    left = cluster.definition()
    assert left is None or "deletionTimestamp" in left["metadata"]
