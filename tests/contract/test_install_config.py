"""``steward webhook install-config`` at a real API server: what it installs, and what it leaves alone."""

import base64
import subprocess
import sys
from pathlib import Path

import pytest

from support.doors import MERGE_PATCH
from support.helm import CHART

pytestmark = pytest.mark.apiserver

CONFIGURATION = "/apis/admissionregistration.k8s.io/v1/validatingwebhookconfigurations/ops-steward-webhook"


@pytest.fixture
def install(control_plane, tmp_path):
    """Call the command with an authority of its own; the arguments come on top."""
    control_plane.kubeconfig(tmp_path / "config")
    program = str(Path(sys.executable).with_name("steward"))
    made = [program, "webhook", "cert-generate", "--service-name", "steward-webhook", "--namespace", "ops", "--output-dir", str(tmp_path)]
    subprocess.run(made, check=True, capture_output=True)

    def install(*arguments: str, ca: Path = tmp_path / "ca.crt") -> subprocess.CompletedProcess[str]:
        command = [program, "webhook", "install-config", "--kubeconfig", str(tmp_path / "config"), "--chart", str(CHART), "--namespace", "ops"]
        return subprocess.run([*command, "--ca-bundle-path", str(ca), *arguments], capture_output=True, text=True, check=False)

    install.bundle = tmp_path / "ca.crt"
    return install


@pytest.fixture
async def server(real_door):
    """Without a configuration of ours, before and after."""
    await real_door.call("DELETE", CONFIGURATION)
    yield real_door
    await real_door.call("DELETE", CONFIGURATION)


async def test_the_configuration_of_the_chart_is_installed_with_the_bundle_and_then_left_as_it_is(server, install):
    said = [install(*options).stdout.strip() for options in (("--dry-run",), (), (), ("--set", "components.webhook.admission.timeoutSeconds=5"))]
    found = await server.ok("GET", CONFIGURATION)
    (hook,) = found["webhooks"]

    words = ("created (dry run)", "created", "unchanged", "updated")
    assert [f"ops-steward-webhook {word}" for word in words] == said
    assert install.bundle.read_bytes() == base64.b64decode(hook["clientConfig"]["caBundle"])
    assert ("pods.webhook.steward.dev", 5) == (hook["name"], hook["timeoutSeconds"])


async def test_a_dry_run_changes_nothing(server, install):
    assert 0 == install("--dry-run").returncode
    assert 404 == (await server.call("GET", CONFIGURATION))[0]


async def test_what_a_helm_release_manages_is_left_to_it(server, install):
    install()
    owned = {"metadata": {"annotations": {"meta.helm.sh/release-name": "steward"}}}
    await server.ok("PATCH", CONFIGURATION, owned, content_type=MERGE_PATCH)
    refused = install("--set", "components.webhook.admission.timeoutSeconds=5")

    assert (1, "") == (refused.returncode, refused.stdout)
    assert "belongs to the Helm release steward" in refused.stderr
    assert 0 == install("--force").returncode


@pytest.mark.parametrize(
    ("text", "said"), [(None, "cannot be read"), ("", "empty"), ("rubbish", "no PEM certificate")], ids=["missing", "empty", "rubbish"]
)
def test_a_bundle_that_nobody_could_trust_is_refused_before_the_cluster_is_asked(install, tmp_path, text, said):
    file = tmp_path / "bundle"
    if text is not None:
        file.write_text(text)
    refused = install(ca=file)

    assert 2 == refused.returncode
    assert f"--ca-bundle-path {file}: " in refused.stderr
    assert said in refused.stderr
