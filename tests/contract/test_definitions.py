"""The CustomResourceDefinitions at a real API server: taken, upgraded, and what they let through."""

import json
import ssl
import subprocess
import sys
import urllib.request
from pathlib import Path

import pytest

from steward.cli.crd import definitions
from support.doors import APPLY, MERGE_PATCH, Door

pytestmark = pytest.mark.apiserver

DEFINITIONS = "/apis/apiextensions.k8s.io/v1/customresourcedefinitions"
POLICIES = "/apis/policy.steward.dev/v1alpha1/namespaces/{}/devopspolicies"
RESULTS = "/apis/policy.steward.dev/v1alpha1/namespaces/{}/policyauditresults"
WAIVER = {"checks": ["latest_tag"], "reason": "vendor has no tags", "expires": "2027-01-31T00:00:00Z"}


@pytest.fixture(scope="module")
def steward(control_plane, tmp_path_factory):
    """Call the command line, as administrator of the real API server."""
    kubeconfig = tmp_path_factory.mktemp("kubeconfig") / "config"
    control_plane.kubeconfig(kubeconfig)

    def steward(*arguments: str) -> subprocess.CompletedProcess[str]:
        command = [str(Path(sys.executable).with_name("steward")), *arguments, "--kubeconfig", str(kubeconfig)]
        return subprocess.run(command, capture_output=True, text=True, check=False)

    return steward


@pytest.fixture
async def server(steward, real_door) -> Door:
    """The API server, with the definitions installed."""
    done = steward("crd", "install", "--force")
    assert done.returncode == 0, done.stderr
    return real_door


def policy(name="shop", **spec):
    return {"apiVersion": "policy.steward.dev/v1alpha1", "kind": "DevOpsPolicy", "metadata": {"name": name}, "spec": spec}


def result(name="shop-1", **spec):
    whole = {"policyName": "shop", "timestamp": "2026-11-21T12:00:00Z", **spec}
    return {"apiVersion": "policy.steward.dev/v1alpha1", "kind": "PolicyAuditResult", "metadata": {"name": name}, "spec": whole}


async def test_the_definitions_are_taken_and_have_nothing_to_complain_about(server):
    for definition in definitions():
        found = await server.ok("GET", f"{DEFINITIONS}/{definition['metadata']['name']}")
        conditions = {one["type"]: one["status"] for one in found["status"]["conditions"]}

        assert ("True", "True") == (conditions["Established"], conditions["NamesAccepted"])
        assert "NonStructuralSchema" not in conditions


async def test_defaults_are_filled_in(server):
    made = await server.create(POLICIES, policy(defaultProbe={}, severityOverrides={"latestTag": "low"}, exemptions=[WAIVER]))

    spec = made["spec"]
    assert ("audit", False) == (spec["enforcementMode"], spec["forbidLatestTag"])
    assert {"initialDelaySeconds": 5, "periodSeconds": 10} == spec["defaultProbe"]
    assert ("low", "critical") == (spec["severityOverrides"]["latestTag"], spec["severityOverrides"]["highRestarts"])


@pytest.mark.parametrize("port", [1, 8080, 65535, "http", "http-metrics"])
async def test_a_port_is_a_number_or_a_name(server, port):
    made = await server.create(POLICIES, policy(defaultProbe={"tcpPort": port}))

    assert port == made["spec"]["defaultProbe"]["tcpPort"]


REFUSED = {
    "an unknown mode": ({"enforcementMode": "deny"}, "spec.enforcementMode: Unsupported value"),
    "a negative number": ({"maxRestartCount": -1}, "spec.maxRestartCount in body should be greater than or equal to 0"),
    "a port that is none": ({"defaultProbe": {"tcpPort": 70000}}, "expected a port from 1 to 65535"),
    "a name that is none": ({"defaultProbe": {"tcpPort": "HTTP port"}}, "expected a port from 1 to 65535, or the name of a container's port"),
    "a probe every zero seconds": ({"defaultProbe": {"periodSeconds": 0}}, "spec.defaultProbe.periodSeconds in body should be greater"),
    "a quantity that is none": ({"defaultResources": {"memoryLimit": "256MiB"}}, "spec.defaultResources.memoryLimit in body should match"),
    "resources that say nothing": ({"defaultResources": {}}, "spec.defaultResources in body should have at least 1 properties"),
    "an unknown severity": ({"severityOverrides": {"pending": "urgent"}}, "spec.severityOverrides.pending: Unsupported value"),
    "an exemption without a reason": ({"exemptions": [{**WAIVER, "reason": " "}]}, "spec.exemptions[0].reason in body should match"),
    "an exemption without an end": ({"exemptions": [{"checks": ["pending"], "reason": "x"}]}, "spec.exemptions[0].expires: Required value"),
    "an end that is no time": ({"exemptions": [{**WAIVER, "expires": "2027-01-31"}]}, "spec.exemptions[0].expires in body must be of type date-time"),
    "a check named twice": ({"exemptions": [{**WAIVER, "checks": ["pending", "pending"]}]}, "spec.exemptions[0].checks[1]: Duplicate value"),
    "containers of a pod that is pending": (
        {"exemptions": [{**WAIVER, "checks": ["pending"], "containers": ["web"]}]}, "pending is about the whole pod: leave containers out",
    ),
    "mending by nothing": ({"remediationMode": "enforce"}, "write defaultProbe or defaultResources"),
}  # fmt: skip


@pytest.mark.parametrize("case", REFUSED)
async def test_what_makes_no_sense_is_refused_with_its_field(server, case):
    spec, said = REFUSED[case]

    code, answer = await server.call("POST", POLICIES, policy(**spec))

    assert 422 == code
    assert said in answer["message"]


async def test_an_unknown_field_is_told_when_the_client_asks_for_it(server):
    """As kubectl does; what is not known is not kept."""
    code, answer = await server.call("POST", POLICIES, policy(forbidLatestTags=True), fieldValidation="Strict")
    assert (400, True) == (code, 'unknown field "spec.forbidLatestTags"' in answer["message"])

    made = await server.create(POLICIES, policy(forbidLatestTags=True))
    assert "forbidLatestTags" not in made["spec"]


async def test_the_status_has_numbers_from_the_start_and_its_own_generation(server):
    made = await server.create(POLICIES, policy())
    status = {"observedGeneration": 1, "message": "0 violations across 0 pods — Healthy (100)"}

    after = await server.apply(POLICIES + "/shop/status", {**policy(), "spec": None, "status": status})

    assert (0, False, 0) == tuple(after["status"][field] for field in ("violations", "healthy", "remediationsApplied"))
    assert made["metadata"]["generation"] == after["metadata"]["generation"] == 1
    changed = await server.ok("PATCH", POLICIES + "/shop", {"spec": {"maxRestartCount": 1}}, content_type=MERGE_PATCH)
    assert 2 == changed["metadata"]["generation"]


async def test_conditions_are_merged_by_their_type(server):
    def said(kind):
        moment = {"lastTransitionTime": "2026-11-21T12:00:00Z", "reason": "Test", "status": "True"}
        return {**policy(), "spec": None, "status": {"conditions": [{"type": kind, **moment}]}}

    await server.create(POLICIES, policy())
    await server.apply(POLICIES + "/shop/status", said("Ready"), "one")
    after = await server.apply(POLICIES + "/shop/status", said("Remediated"), "two")

    assert ["Ready", "Remediated"] == [one["type"] for one in after["status"]["conditions"]]


async def test_an_audit_result_is_never_changed(server):
    await server.create(RESULTS, result())

    code, answer = await server.call("PATCH", RESULTS + "/shop-1", {"spec": {"totalPods": 5}}, content_type=MERGE_PATCH)

    assert 422 == code
    assert "an audit result is not changed afterwards" in answer["message"]


@pytest.mark.parametrize("short", ["dop", "par"])
async def test_the_short_names_are_ours(server, short):
    listed = await server.ok("GET", "/apis/policy.steward.dev/v1alpha1")

    assert short in {name for one in listed["resources"] for name in one.get("shortNames", ())}
    assert all("steward" in one["categories"] for one in listed["resources"] if "/" not in one["name"])


def _table(control_plane, path):
    """What kubectl get shows."""
    request = urllib.request.Request(control_plane.url + path, headers={"Accept": "application/json;as=Table;v=v1;g=meta.k8s.io"})
    context = ssl.create_default_context(cafile=control_plane.trusted)
    context.load_cert_chain(control_plane.directory / "admin.crt", control_plane.directory / "admin.key")
    with urllib.request.urlopen(request, context=context) as answer:
        return json.load(answer)


async def test_columns_show_the_result(control_plane, server):
    await server.create(POLICIES, policy(enforcementMode="enforce"))
    status = {"healthScore": 90, "violations": 3}
    await server.apply(POLICIES + "/shop/status", {**policy(), "spec": None, "status": status})

    table = _table(control_plane, POLICIES.format(server.namespace) + "/shop")

    columns = [one["name"] for one in table["columnDefinitions"]]
    shown = dict(zip(columns, table["rows"][0]["cells"], strict=True))
    assert ("enforce", 90, 3) == (shown["Mode"], shown["Score"], shown["Violations"])


async def test_installing_again_changes_nothing_and_an_upgrade_takes_away_what_has_gone(steward, server):
    name = "devopspolicies.policy.steward.dev"
    (older,) = [one for one in definitions() if one["metadata"]["name"] == name]
    properties = older["spec"]["versions"][0]["schema"]["openAPIV3Schema"]["properties"]["spec"]["properties"]
    properties["requireGoodLuck"] = {"type": "boolean"}
    await server.ok("PATCH", f"{DEFINITIONS}/{name}", older, content_type=APPLY, fieldManager="kube-devops-cli", force="true")

    upgraded, again = steward("crd", "install"), steward("crd", "install")

    assert f"{name} updated" in upgraded.stdout
    assert f"{name} unchanged" in again.stdout
    found = await server.ok("GET", f"{DEFINITIONS}/{name}")
    assert "requireGoodLuck" not in found["spec"]["versions"][0]["schema"]["openAPIV3Schema"]["properties"]["spec"]["properties"]


async def test_a_definition_of_a_helm_release_is_left_to_it(steward, server):
    name = "devopspolicies.policy.steward.dev"
    notes = {"meta.helm.sh/release-name": "steward", "meta.helm.sh/release-namespace": "ops"}
    await server.ok("PATCH", f"{DEFINITIONS}/{name}", {"metadata": {"annotations": notes}}, content_type=MERGE_PATCH)

    refused, forced = steward("crd", "install"), steward("crd", "install", "--force")

    await server.ok("PATCH", f"{DEFINITIONS}/{name}", {"metadata": {"annotations": dict.fromkeys(notes)}}, content_type=MERGE_PATCH)
    assert (1, f"steward: {name}: belongs to the Helm release steward in namespace ops; left alone.") == (
        refused.returncode, refused.stderr.partition(" Upgrade")[0],
    )  # fmt: skip
    assert 0 == forced.returncode
