"""``steward check``: manifests in, violations out, and an exit code that a pipeline can rely on."""

import io
import json
import re
import sys

import pytest
import yaml

from steward.cli import judging
from steward.cli.explain import A_TIME
from steward.governance import bundles, scores, violations
from support.containers import GOOD

BARE = {"name": "web", "image": "host:5000/app"}
POLICY = {
    "apiVersion": "policy.steward.dev/v1alpha1",
    "kind": "DevOpsPolicy",
    "metadata": {"name": "default"},
    "spec": {
        "forbidLatestTag": True,
        "enforcementMode": "audit",
        "severityOverrides": {"latestTag": "critical"},
        "exemptions": [
            {"checks": ["latest_tag"], "containers": ["web"], "reason": "vendor has no tags", "expires": "9999-01-31T00:00:00Z", "approvedBy": "sam"},
            {"checks": ["latest_tag"], "containers": ["old"], "reason": "was to be mended", "expires": "2020-01-31T00:00:00Z"},
        ],
    },
}


def workload(kind="Deployment", api="apps/v1", *, path=("spec", "template"), container=GOOD, **meta):
    content = {"spec": {"containers": [container]}}
    for step in reversed(path):
        content = {step: content}
    return {"apiVersion": api, "kind": kind, "metadata": {"name": "web", "namespace": "shop"} | meta} | content


@pytest.fixture
def file(tmp_path):
    """Write manifests into a file: text as it is, anything else as YAML documents."""

    def file(*documents, name="a.yaml"):
        path = tmp_path / name
        path.write_text("---\n".join(one if isinstance(one, str) else yaml.safe_dump(one) for one in documents), encoding="utf-8")
        return path

    return file


@pytest.fixture
def stdin(monkeypatch):
    """Put a text on stdin."""
    return lambda text: monkeypatch.setattr(sys, "stdin", io.TextIOWrapper(io.BytesIO(text.encode())))


def test_what_is_wrong_is_told_by_workload_container_and_mend(steward, file):
    path = file(workload(container=BARE))

    code, out, err = steward("check", path)

    assert 3 == code
    assert out.splitlines() == [
        f"Deployment shop/web ({path}, document 1)",
        '  high     latest_tag        web: image "host:5000/app" has no tag, which means latest. Write a version or a digest.',
        "  medium   missing_liveness  web: no livenessProbe. Add one.",
        "  low      missing_readiness web: no readinessProbe. Add one.",
        "  medium   missing_resources web: no resources.requests. Add one.",
        "4 violations across 1 pod — Healthy (90)",
    ]
    assert "steward: 4 of 4 violations of severity low or worse\n" == err


def test_nothing_wrong_is_0(steward, file):
    assert (0, "0 violations across 1 pod — Healthy (100)\n", "") == steward("check", file(workload()))


@pytest.mark.parametrize(
    ("kind", "api", "path"),
    [
        ("Pod", "v1", ()),
        ("PodTemplate", "v1", ("template",)),
        ("ReplicationController", "v1", ("spec", "template")),
        ("Deployment", "apps/v1", ("spec", "template")),
        ("StatefulSet", "apps/v1", ("spec", "template")),
        ("DaemonSet", "apps/v1", ("spec", "template")),
        ("ReplicaSet", "apps/v1", ("spec", "template")),
        ("Job", "batch/v1", ("spec", "template")),
        ("CronJob", "batch/v1", ("spec", "jobTemplate", "spec", "template")),
    ],
)
def test_every_kind_that_makes_pods_is_judged(steward, file, kind, api, path):
    _, out, _ = steward("check", "-o", "json", file(workload(kind, api, path=path, container=BARE)))

    (result,) = json.loads(out)["results"]
    checks = {one["check"] for one in result["violations"]}
    assert (kind, "shop", "web") == (result["kind"], result["namespace"], result["name"])
    assert checks == {"latest_tag", "missing_resources"} | (set() if "Job" in kind else {"missing_liveness", "missing_readiness"})


def test_documents_lists_and_other_kinds_are_read_as_helm_and_kubectl_print_them(steward, file):
    service = {"apiVersion": "v1", "kind": "Service", "metadata": {"name": "web"}}
    listed = {"apiVersion": "v1", "kind": "List", "items": [service, workload("Pod", "v1", path=())]}
    several = file("---\n# empty\n", service, workload(), listed)
    typed = file(
        json.dumps({"apiVersion": "apps/v1", "kind": "DeploymentList", "items": [{"spec": workload()["spec"], "metadata": {"name": "x"}}]}),
        name="b.json",
    )

    _, out, _ = steward("check", "-o", "json", several, typed)

    assert [f"{several}, document 3", f"{several}, document 4, items[1]", f"{typed}, document 1, items[0]"] == [
        one["where"] for one in json.loads(out)["results"]
    ]


def test_the_choices_are_those_of_the_rules():
    known = (violations.SEVERITIES, violations.CHECKS, scores.FORMULAS, tuple(bundles.BUNDLES))

    assert known == (judging.SEVERITIES, judging.CHECKS, judging.FORMULAS, judging.BUNDLES)


def test_stdin_and_generated_names(steward, stdin):
    pod = workload("Pod", "v1", path=(), container=BARE, name=None, generateName="web-")
    stdin(json.dumps(pod))

    assert "Pod shop/web-* (-, document 1)" in steward("check", "-")[1].splitlines()


def test_null_is_as_good_as_absent(steward, file):
    """Templates leave ``resources:`` behind; the API server takes it."""
    container = GOOD | {"resources": None, "restartPolicy": None}

    code, out, _ = steward("check", "-o", "json", file(workload(container=container)))

    assert (3, ["missing_resources"]) == (code, [one["check"] for one in json.loads(out)["results"][0]["violations"]])


def test_a_pod_from_a_cluster_is_judged_by_its_state_too(steward, file):
    status = {"phase": "Running", "containerStatuses": [{"name": "web", "restartCount": 7}]}
    running = workload("Pod", "v1", path=(), creationTimestamp="2026-01-01T00:00:00Z") | {"status": status}
    done = running | {"status": status | {"phase": "Succeeded"}}

    code, out, _ = steward("check", file(running, done))

    assert 3 == code
    assert "  critical high_restarts     web: 7 restarts, more than 3. See why: kubectl logs --previous." in out.splitlines()
    assert out.endswith("1 violation across 1 pod — Stable (70)\n")


@pytest.mark.parametrize(("least", "code"), [("critical", 0), ("high", 3), ("medium", 3), ("low", 3), ("never", 0)])
def test_fail_on_is_the_least_severity_that_fails(steward, file, least, code):
    ended, out, err = steward("check", "--fail-on", least, file(workload(container=GOOD | {"image": "app"})))

    assert (code, bool(code)) == (ended, bool(err))
    assert "latest_tag" in out


def test_a_bundle_brings_its_severities(steward, file):
    path = file(workload(container=GOOD | {"image": "app", "livenessProbe": None}))

    assert 3 == steward("check", "--bundle", "restricted", "--fail-on", "critical", path)[0]
    assert "missing_liveness" not in steward("check", "--bundle", "baseline", path)[1]


@pytest.mark.parametrize(
    ("options", "score"), [((), 96), (("--formula", "float"), 95.5), (("--formula", "ratio"), 60), (("--severity-weighted",), 93)], ids=str
)
def test_the_score_is_computed_as_asked(steward, file, options, score):
    """One of two pods has no tag, both no readiness probe: 5 + 2 + 2 points, by severity 10 + 2 + 2; in ratio each check is worth 2 + 1 + 1 + 1."""
    other = workload("StatefulSet", container=GOOD | {"readinessProbe": None})
    again = workload("DaemonSet", container=GOOD | {"readinessProbe": None, "image": "app"})

    report = json.loads(steward("check", "-o", "json", *options, file(other, again))[1])

    assert score == report["score"]


def test_a_policy_brings_its_exemptions_and_they_are_shown(steward, file):
    template = {"containers": [BARE, BARE | {"name": "old"}]}
    manifest = file({"apiVersion": "apps/v1", "kind": "Deployment", "metadata": {"name": "web"}, "spec": {"template": {"spec": template}}})

    late = "Exempt until 2020-01-31T00:00:00+00:00: was to be mended"

    code, out, _ = steward("check", "--policy", file(POLICY, name="policy.yaml"), manifest)

    assert 3 == code
    assert out.splitlines()[1:] == [
        '  critical latest_tag        old: image "host:5000/app" has no tag, which means latest. Write a version or a digest. ' + late,
        "  exempt   latest_tag        web: until 9999-01-31T00:00:00+00:00, by sam: vendor has no tags",
        "1 violation across 1 pod — Healthy (95)",
    ]


def test_yaml_says_the_same_as_json(steward, file):
    path = file(workload(container=BARE))

    assert json.loads(steward("check", "-o", "json", path)[1]) == yaml.safe_load(steward("check", "-o", "yaml", path)[1])


@pytest.mark.parametrize(
    ("text", "said"),
    [
        ("kind: Pod\n---\na: [", "document 1: apiVersion: expected text, got none. Give manifests, as kubectl and helm print them."),
        ("---\n# empty\n---\na: [", "document 2: line 5, column 1: not YAML: did not find expected node content. Mend the line, or quote the value."),
        ("replicaCount: 1\nimage: {}", "document 1: apiVersion: expected text, got none. Give manifests, as kubectl and helm print them."),
        ("just text", "document 1: expected a Kubernetes object, got text. Give manifests, as kubectl and helm print them."),
        ("[1, 2]", "document 1: expected a Kubernetes object, got a list. Give manifests, as kubectl and helm print them."),
        ("{apiVersion: v1, kind: Pod, metadata: []}", "document 1, Pod: metadata: expected a mapping of keys to values, got a list."),
        (workload(path=("spec",)), "document 1, Deployment shop/web: spec.template: expected a value, got none. Write a pod template."),
        (
            workload(container=GOOD | {"image": 1.25}),
            "document 1, Deployment shop/web: spec.template.spec.containers[0].image: expected text, got 1.25. Write text.",
        ),
        (
            {"apiVersion": "v1", "kind": "Pod", "metadata": {"name": "x"}, "spec": {}},
            "document 1, Pod x: spec.containers: expected at least one container, got none. Write one.",
        ),
        (
            workload("Pod", "v1", path=(), creationTimestamp="yesterday"),
            f'document 1, Pod shop/web: metadata.creationTimestamp: expected a time with its zone, got "yesterday". Write a time such as {A_TIME}.',
        ),
    ],
    ids=["no version", "no YAML", "values", "text", "list", "metadata", "no template", "image", "no container", "time"],
)
def test_what_cannot_be_judged_is_one_line_with_file_and_document_and_2(steward, file, text, said):
    path = file(text)

    assert (2, "", f"steward: {path}, {said}\n") == steward("check", path)


def test_a_check_of_nothing_does_not_look_like_health(steward, file):
    code, out, err = steward("check", file({"apiVersion": "v1", "kind": "Service", "metadata": {"name": "web"}}))

    assert (2, "") == (code, out)
    assert "no pod and no workload. Give manifests with CronJob, DaemonSet, Deployment, Job," in err


@pytest.mark.parametrize(
    ("arguments", "said"),
    [
        ((), "Missing argument 'FILE...'. Try `steward check --help`."),
        (("nowhere.yaml",), "nowhere.yaml: cannot be read: No such file or directory. Name a file with manifests, or - for stdin."),
        (("-", "-"), "-: given twice, and stdin can be read once. Name it once. Try `steward check --help`."),
        (("--policy", "-", "-"), "-: given twice, and stdin can be read once. Name it once. Try `steward check --help`."),
        (("--bundle", "baseline", "--policy", "x", "y"), "--bundle and --policy: expected one of them, got both. Try `steward check --help`."),
    ],
    ids=["no file", "no such file", "stdin twice", "stdin for both", "two sets of rules"],
)
def test_wrong_use_is_one_line_and_2(steward, arguments, said):
    assert (2, "", f"steward: {said}\n") == steward("check", *arguments)


@pytest.mark.parametrize(
    ("spec", "said"),
    [
        ({"forbidLatestTags": True}, "spec.forbidLatestTags: unknown key. Did you mean forbidLatestTag?"),
        ({"severityOverrides": {"latest": "low"}}, "spec.severityOverrides.latest: unknown key. Did you mean latestTag?"),
        ({"defaultProbe": {"httpPort": 80}}, "spec.defaultProbe.httpPort: unknown key. Did you mean tcpPort?"),
        ({"defaultResources": {"gpu": "1"}}, "spec.defaultResources.gpu: unknown key. Known keys are cpuLimit, cpuRequest, memoryLimit, "),
        ({"exemptions": [{"checks": ["pending"], "reason": "x", "expire": "x"}]}, "spec.exemptions[0].expire: unknown key. Did you mean expires?"),
        (
            {"exemptions": [{"checks": ["pending"], "workload": {"kind": "Job", "names": "a"}}]},
            "spec.exemptions[0].workload.names: unknown key. Did you mean name?",
        ),
        (
            {"maxRestartCount": -1},
            "spec.maxRestartCount: expected a whole number from 0 to 2147483647, got -1. Write a whole number from 0 to 2147483647.",
        ),
        ({"severityOverrides": {"pending": "huge"}}, 'spec.severityOverrides.pending: expected one of critical, high, low, medium, got "huge". '),
        (
            {"exemptions": [{"checks": ["pending"], "reason": "x"}]},
            "spec.exemptions[0].expires: expected a value, got none. Write a time with its zone.",
        ),
        (
            {"exemptions": [{"checks": ["pending"], "reason": "x", "expires": "soon"}]},
            'spec.exemptions[0].expires: expected a time with its zone, got "soon". Write a time such as 2027-01-31T00:00:00Z.',
        ),
        ("all", "spec: expected a mapping of keys to values, got 'all'."),
    ],
    ids=[
        "typo",
        "in severities",
        "in a probe",
        "in resources",
        "in an exemption",
        "in a workload",
        "range",
        "severity",
        "no end",
        "no time",
        "no mapping",
    ],
)
def test_a_policy_that_is_wrong_is_told_by_its_field(steward, file, spec, said):
    path = file(POLICY | {"spec": spec}, name="policy.yaml")

    code, out, err = steward("check", "--policy", path, "x.yaml")

    assert (2, "") == (code, out)
    assert err.startswith(f"steward: --policy {path}: {said}")


def test_every_policy_in_the_docs_is_one(steward, file, repository):
    blocks = re.findall(r"^```yaml\n(.*?)^```$", (repository / "docs/governance.md").read_text(), re.MULTILINE | re.DOTALL)

    assert blocks
    for block in blocks:
        code, out, err = steward("check", "--fail-on", "never", "--policy", file(block, name="policy.yaml"), file(workload()))
        assert (0, "") == (code, err), out


def test_another_kind_is_no_policy(steward, file):
    path = file(workload())

    assert (2, "", f"steward: --policy {path}: expected one DevOpsPolicy of policy.steward.dev/v1alpha1, got Deployment.\n") == steward(
        "check", "--policy", path, path
    )
