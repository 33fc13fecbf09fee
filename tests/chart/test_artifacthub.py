"""What Artifact Hub shows of the chart is valid and true: https://artifacthub.io/docs/topics/annotations/helm/."""

import re
import runpy

import pytest
import yaml

from support import helm

CHANGES = runpy.run_path(str(helm.CHART.parent / "ci" / "changes"))
CATEGORIES = {
    "ai-machine-learning",
    "database",
    "integration-delivery",
    "monitoring-logging",
    "networking",
    "security",
    "storage",
    "streaming-messaging",
}
CAPABILITIES = {"basic install", "seamless upgrades", "full lifecycle", "deep insights", "auto pilot"}
FILES = r"https://(?:github\.com/steward-dev/steward/(?:blob|tree)|raw\.githubusercontent\.com/steward-dev/steward)/main/"


@pytest.fixture(scope="module")
def chart():
    """Chart.yaml."""
    return yaml.safe_load((helm.CHART / "Chart.yaml").read_text())


@pytest.fixture(scope="module")
def annotations(chart):
    """The annotations without their prefix; those that hold YAML are read."""
    plain = {key.removeprefix("artifacthub.io/"): value for key, value in chart["annotations"].items()}
    return {key: yaml.safe_load(value) if "\n" in value else value for key, value in plain.items()}


def test_words_are_those_of_artifact_hub(annotations):
    """It ignores others without a word."""
    assert annotations["category"] in CATEGORIES
    assert annotations["operatorCapabilities"] in CAPABILITIES
    assert {change["kind"] for change in annotations["changes"]} <= set(CHANGES["KINDS"])
    assert all(change["description"] for change in annotations["changes"])


def test_the_images_are_those_that_the_chart_renders(annotations):
    """Those of tests and hooks too: scanners look at this list."""
    rendered = {container["image"] for _, pod in helm.pods(helm.render()) for container in pod["spec"]["containers"]}

    assert {listed["image"] for listed in annotations["images"]} == rendered


def test_the_custom_resources_are_those_that_the_chart_renders(annotations):
    """By kind; none means no annotation."""
    rendered = {found["spec"]["names"]["kind"] for found in helm.of_kind(helm.render(helm.ENABLED), "CustomResourceDefinition")}

    assert {listed["kind"] for listed in annotations.get("crds", ())} == rendered


def test_links_lead_to_files_that_are_there(chart, annotations):
    """Those into this repository."""
    links = [chart["icon"], *(link["url"] for link in annotations["links"])]
    files = [re.sub(FILES, "", link) for link in links if re.match(FILES, link)]

    assert len(files) >= 4
    assert not [file for file in files if not (helm.CHART.parent / file).exists()]
    assert all(link.startswith("https://") for link in links)


def test_vendors_versions_of_kubernetes_are_admitted():
    """1.33.1-eks-1a2b3c4 counts as a pre-release, which only the suffix -0 admits."""
    assert helm.text(flags=("--kube-version", "1.33.1-eks-1a2b3c4"))
    with pytest.raises(helm.RenderError, match=r"incompatible with Kubernetes v1\.28\.9"):
        helm.text(flags=("--kube-version", "1.28.9"))


def test_a_fragment_becomes_a_change(tmp_path):
    """Its kind is in its name; what there is to do follows the change."""
    (tmp_path / "policy.changed.md").write_text("The score counts\nall pods.\n\nWhat must I do: nothing.\n")
    (tmp_path / "values.removed.md").write_text("`a` is gone.\n\nWhat must I do: set `b`.\n")
    changed, removed = CHANGES["fragments"](tmp_path)

    assert changed == ("changed", "The score counts all pods.", "nothing.")
    assert CHANGES["describe"](changed) == "The score counts all pods."
    assert CHANGES["describe"](removed) == "`a` is gone. What must I do: set `b`."


@pytest.mark.parametrize(
    ("name", "text", "said"),
    [
        ("policy.feature.md", "New.\n\nWhat must I do: nothing.", "changes/policy.feature.md: expected <few-words>.<kind>.md"),
        ("policy.md", "New.\n\nWhat must I do: nothing.", "where the kind is one of added, changed"),
        ("policy.added.md", "New.", 'changes/policy.added.md: expected a change, an empty line, and "What must I do: …"'),
        ("policy.added.md", "New.\n\nWhat must I do:\n", "if there is nothing to do"),
        ("policy.added.md", "What must I do: nothing.", "expected a change"),
    ],
    ids=["unknown kind", "no kind", "no advice", "empty advice", "no change"],
)
def test_a_fragment_that_helps_nobody_is_refused(tmp_path, name, text, said):
    """With its name and the mend."""
    (tmp_path / name).write_text(text)

    with pytest.raises(CHANGES["Refused"], match=re.escape(said)):
        CHANGES["fragments"](tmp_path)
