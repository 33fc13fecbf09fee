"""The processes without the chart, by the files and commands that docs/cli.md shows."""

import re
import shlex
from pathlib import Path

import pytest
import urllib3
import yaml

from support import helm
from support.admission import asked, body
from support.envtest import die_with_parent, free_ports
from support.terminal import BARE, pod

PAGE = (Path(__file__).resolve().parents[2] / "docs" / "cli.md").read_text()
FILES = dict(re.findall(r"^```yaml\n# (\w+\.yaml)\n(.*?)^```$", PAGE, re.DOTALL | re.MULTILINE))


def commands(*words):
    """The one command of the page's shell block that begins so, without its first word."""
    (block,) = re.findall(r"^```sh\n(steward webhook cert-generate .*?)^```$", PAGE.replace("\\\n", " "), re.DOTALL | re.MULTILINE)
    (found,) = (shlex.split(line)[1:] for line in block.splitlines() if line.split()[1 : len(words) + 1] == list(words))
    return found


@pytest.fixture
def desk_of_a_user(defined, tmp_path, monkeypatch):
    """An empty directory, and a policy that denies."""
    monkeypatch.chdir(tmp_path)
    strict = {"forbidLatestTag": True, "enforcementMode": "enforce"}
    meta = {"name": "strict", "namespace": "shop"}
    defined.apply({"apiVersion": "policy.steward.dev/v1alpha1", "kind": "DevOpsPolicy", "metadata": meta, "spec": strict})
    yield defined
    defined.kubectl("delete", "devopspolicies", "--all", "--all-namespaces")


@pytest.fixture
def running(desk_of_a_user, eventually):
    """Run a component by the file of the page, on ports that are free, until it is ready; gives the port of admission."""
    started = []

    def running(component):
        admission, metrics, health = free_ports(3)
        name = f"{component}.yaml"
        document = yaml.safe_load(FILES[name])
        document["http"] = {"metricsPort": metrics, "healthPort": health}
        if component == "webhook":
            document["config"]["serving"]["port"] = admission
        Path(name).write_text(yaml.safe_dump(document))
        with Path("log").open("w") as log:
            options = {"stdout": log, "stderr": log, "preexec_fn": die_with_parent}
            started.append(desk_of_a_user.start(*commands("run", component), **options))
        assert eventually(lambda: is_ready(health)), Path("log").read_text()
        return admission

    yield running
    for one in started:
        one.terminate()
        assert 0 == one.wait(30)


def is_ready(port):
    try:
        return 200 == urllib3.request("GET", f"http://127.0.0.1:{port}/readyz", retries=False, timeout=2).status
    except urllib3.exceptions.HTTPError:
        return False


def review(port, host, path, ca):
    """What a pod with the tag latest is told, asked as an API server asks: by the name of the Service, trusting one authority."""
    pool = urllib3.HTTPSConnectionPool("127.0.0.1", port, ca_certs=str(ca), server_hostname=host, assert_hostname=host, retries=False, timeout=10)
    return pool.request("POST", path, body=body(asked(pod("web", "shop", BARE))), headers={"content-type": "application/json"}).json()["response"]


def test_the_webhook_serves_by_the_files_and_commands_of_the_page(desk_of_a_user, running, eventually):
    made = desk_of_a_user.steward(*commands("webhook", "cert-generate"))
    assert 0 == made.code, made.err
    port = running("webhook")
    installed = desk_of_a_user.steward(*commands("webhook", "install-config"), "--chart", str(helm.CHART), "--dry-run")
    (configuration,) = helm.of_kind(helm.render(component="webhook"), "ValidatingWebhookConfiguration")
    called = configuration["webhooks"][0]["clientConfig"]["service"]

    assert (0, f"{configuration['metadata']['name']} created (dry run)\n") == (installed.code, installed.out), installed.err

    def is_denied():
        answer = review(port, f"{called['name']}.{called['namespace']}.svc", called["path"], Path("certs/ca.crt"))
        return not answer["allowed"] and "has no tag" in answer["status"]["message"]

    assert eventually(is_denied), Path("log").read_text()


def test_policies_are_reconciled_by_the_file_of_the_page(desk_of_a_user, running, eventually):
    running("policy")

    def violations():
        return desk_of_a_user.kubectl("get", "devopspolicy", "strict", "--namespace", "shop", "--output", "jsonpath={.status.violations}")

    assert eventually(lambda: violations() == "1"), Path("log").read_text()
