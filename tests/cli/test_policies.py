"""``steward policy`` on a real API server with the real definitions."""

import json
import re

import pytest
import yaml

from support.terminal import BARE, GOOD, namespace, pod

LABELS = {
    "policy.steward.dev/bundle": "baseline",
    "policy.steward.dev/bundle-version": "1",
    "app.kubernetes.io/managed-by": "kube-devops-cli",
}


@pytest.fixture
def server(defined):
    """The same, without policies."""
    defined.kubectl("delete", "devopspolicies", "--all", "--all-namespaces")
    return defined


@pytest.fixture
def file(tmp_path):
    """Write policies into a file."""

    def file(*policies, name="policies.yaml"):
        path = tmp_path / name
        path.write_text(yaml.safe_dump_all(policies))
        return str(path)

    return file


def policy(name="default", namespace="shop", **spec):
    meta = {"name": name} | ({"namespace": namespace} if namespace else {})
    return {"apiVersion": "policy.steward.dev/v1alpha1", "kind": "DevOpsPolicy", "metadata": meta, "spec": spec}


def there(server, name="default", where="shop"):
    return json.loads(server.kubectl("get", "devopspolicy", name, "--namespace", where, "--show-managed-fields", "--output", "json"))


@pytest.mark.parametrize("bundle", ["standard", "baseline", "restricted", "permissive"])
def test_each_bundle_is_taken_and_is_what_bundle_show_prints(server, bundle):
    done = server.steward("policy", "bundle-apply", bundle, "--policy-name", "default")

    assert (0, "+ shop/default\n", "") == done
    shown = yaml.safe_load(server.steward("policy", "bundle-show", bundle, "--policy-name", "default", "--namespace", "shop").out)
    held = there(server)
    assert shown["metadata"]["labels"] == held["metadata"]["labels"]
    assert shown["spec"].items() <= held["spec"].items(), "the API server adds defaults"
    assert {"kube-devops-cli"} == {one["manager"] for one in held["metadata"]["managedFields"]}


def test_a_policy_of_another_bundle_is_brought_up_to_date_field_by_field(server):
    server.steward("policy", "bundle-apply", "baseline", "--policy-name", "default")

    tried = server.steward("policy", "bundle-apply", "permissive", "--policy-name", "default", "--dry-run")
    assert "baseline" == there(server)["metadata"]["labels"]["policy.steward.dev/bundle"]
    done = server.steward("policy", "bundle-apply", "permissive", "--policy-name", "default")

    assert tried.out == done.out
    assert "dry run: nothing was changed\n" == tried.err
    assert "~ shop/default" == done.out.splitlines()[0]
    assert "    maxRestartCount: unset -> 10" in done.out.splitlines()
    assert '    policy.steward.dev/bundle: "baseline" -> "permissive"' in done.out.splitlines()
    assert "= shop/default\n" == server.steward("policy", "bundle-apply", "permissive", "--policy-name", "default").out


@pytest.mark.parametrize(("form", "read"), [("json", json.loads), ("yaml", yaml.safe_load)])
def test_machines_are_told_what_became_of_a_bundle_as_of_an_import(server, file, form, read):
    shown = server.steward("policy", "bundle-show", "baseline", "--namespace", "shop").out

    applied = server.steward("policy", "bundle-apply", "baseline", "-o", form)
    server.steward("policy", "bundle-apply", "permissive", "--policy-name", "baseline")
    back = server.steward("policy", "bundle-apply", "baseline", "-o", form, "--dry-run")
    imported = server.steward("policy", "import", file(yaml.safe_load(shown)), "-o", form, "--dry-run")

    assert [{"marker": "+", "namespace": "shop", "name": "baseline", "changes": []}] == read(applied.out)
    assert "~" == read(back.out)[0]["marker"]
    assert (0, imported.out) == (back.code, back.out)


def test_what_somebody_else_set_is_not_taken_over_unasked(server, file):
    server.kubectl("apply", "--filename", file(policy(maxRestartCount=7)))
    mine = file(policy(maxRestartCount=5), policy("other"), name="mine.yaml")

    refused = server.steward("policy", "import", mine)
    forced = server.steward("policy", "import", mine, "--force-conflicts")

    assert (1, "", 1) == (refused.code, refused.out, refused.err.count("\n"))
    assert refused.err.startswith("steward: policy shop/default: Apply failed with 1 conflict: ")
    assert refused.err.endswith(" --force-conflicts takes the fields over.\n")
    assert forced.out.splitlines() == ["~ shop/default", "    maxRestartCount: 7 -> 5", "+ shop/other"]
    assert 5 == there(server)["spec"]["maxRestartCount"]


def test_what_is_exported_can_be_imported_elsewhere(server, file):
    server.steward("policy", "import", file(policy(maxRestartCount=5), policy("strict", enforcementMode="enforce", forbidLatestTag=True)))

    exported = server.steward("policy", "export")
    imported = server.steward("policy", "import", "--namespace", "bank", "-", stdin=exported.out)

    first = next(yaml.safe_load_all(exported.out))
    notes = first["metadata"].pop("annotations")
    assert {"name": "default", "namespace": "shop"} == first["metadata"], "nothing of this cluster"
    assert re.fullmatch(r"\d{4}-\d\d-\d\dT\d\d:\d\d:\d\dZ", notes["policy.steward.dev/exported-at"])
    assert "berlin/shop" == notes["policy.steward.dev/exported-from"]
    assert "status" not in first
    assert imported.out.splitlines() == ["+ bank/default", "+ bank/strict"]
    assert there(server, "strict")["spec"] == there(server, "strict", "bank")["spec"]


def test_a_document_with_dashes_inside_is_one_document(server, tmp_path):
    """The lines that part documents are those that YAML says."""
    path = tmp_path / "policies.yaml"
    noted = policy()
    noted["metadata"]["annotations"] = {"note": "one\n---\ntwo\n"}
    path.write_text(yaml.safe_dump(noted, default_style="|") + "--- # the second\n" + json.dumps(policy("other")))

    done = server.steward("policy", "import", str(path))

    assert (0, ["+ shop/default", "+ shop/other"]) == (done.code, done.out.splitlines())
    assert "one\n---\ntwo\n" == there(server)["metadata"]["annotations"]["note"]


def test_a_dry_run_changes_nothing(server, file):
    done = server.steward("policy", "import", "--dry-run", file(policy()))

    assert (0, "+ shop/default\n") == (done.code, done.out)
    assert "" == server.kubectl("get", "devopspolicies", "--all-namespaces", "--output", "name")


def test_all_are_taken_or_none(server, file):
    """The second is what only the API server can refuse."""
    remediating = policy("second", remediationMode="enforce")

    done = server.steward("policy", "import", file(policy("first"), remediating))

    assert (1, "", 1) == (done.code, done.out, done.err.count("\n"))
    assert done.err.startswith("steward: policy shop/second: ")
    assert "" == server.kubectl("get", "devopspolicies", "--all-namespaces", "--output", "name")


def test_a_namespace_that_is_not_there_is_told_from_a_kind_that_is_not(server, file):
    done = server.steward("policy", "import", file(policy(namespace="nowhere")))

    assert (1, "steward: policy nowhere/default: no such namespace. Create it: kubectl create namespace nowhere.\n") == (done.code, done.err)


def test_differences_are_marked(server, file):
    for one in (policy("same", maxRestartCount=5), policy("changed", maxRestartCount=5), policy("alone")):
        server.steward("policy", "import", file(one))

    given = file(
        policy("same", maxRestartCount=5, enforcementMode="audit"), policy("changed", maxRestartCount=6, forbidLatestTag=True), policy("new")
    )
    done = server.steward("policy", "diff", given)
    told = json.loads(server.steward("policy", "diff", given, "-o", "json").out)

    assert done.code == 3
    assert done.out.splitlines() == [
        "! shop/alone",
        "~ shop/changed",
        "    maxRestartCount: 5 -> 6",
        "    forbidLatestTag: unset -> true",
        "+ shop/new",
        "= shop/same",
    ]
    assert "steward: 2 would change\n" == done.err
    assert ["!", "~", "+", "="] == [one["marker"] for one in told]
    assert {"field": "maxRestartCount", "from": 5, "to": 6} == told[1]["changes"][0]


def test_what_is_the_same_is_0(server, file):
    server.steward("policy", "bundle-apply", "restricted")

    assert (0, "= shop/restricted\n", "") == server.steward("policy", "diff", "--bundle", "restricted")


def test_what_would_be_denied_is_said_before_it_is(server):
    """Runtime checks are none of admission's affair; of the namespace ``shop`` only web-2 would be denied."""
    done = server.steward("policy", "diff", "--bundle", "baseline", "--cluster")

    assert done.code == 3
    assert done.out.splitlines() == [
        "    NAMESPACE   WORKLOAD    PODS   CONTAINER   CHECK        SEVERITY   POLICY",
        "+   shop        Pod/web-2   1      app         latest_tag   high       baseline",
    ]
    assert "steward: 1 would be denied\n" == done.err


def test_what_is_denied_already_and_what_no_longer_are_marked(server, file):
    strict = policy(forbidLatestTag=True, requireLivenessProbe=True, enforcementMode="enforce", severityOverrides={"missingLiveness": "high"})
    server.steward("policy", "import", file(strict))

    done = server.steward("policy", "diff", "--cluster", file(policy(forbidLatestTag=True)))
    alone = server.steward("policy", "diff", "--cluster")

    marks = [(line[0], line.split()[5]) for line in done.out.splitlines()[1:]]
    assert (0, [("=", "latest_tag"), ("!", "missing_liveness")]) == (done.code, marks)
    assert ["=", "="] == [line[0] for line in alone.out.splitlines()[1:]]


def test_pods_of_a_replicaset_are_told_as_their_workload(server):
    labels = {"app": "front", "pod-template-hash": "5d4f"}
    owner = {"apiVersion": "apps/v1", "kind": "ReplicaSet", "name": "front-5d4f", "uid": "1", "controller": True}
    server.apply(namespace("front"), *(pod(f"front-5d4f-{n}", "front", BARE, labels=labels, ownerReferences=[owner]) for n in "ab"))
    server.apply(pod("fine", "front", GOOD))

    try:
        done = server.steward("policy", "diff", "--bundle", "baseline", "--cluster", "--namespace", "front", "-o", "json")
    finally:
        server.kubectl("delete", "pods", "--all", "--namespace", "front", "--force", "--grace-period=0")

    (row,) = json.loads(done.out)
    assert ("front", 2, ["baseline"]) == (row["namespace"], row["pods"], row["policies"])
    assert row["kind"] in ("Deployment", "ReplicaSet")
