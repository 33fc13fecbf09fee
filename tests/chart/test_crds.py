"""The CustomResourceDefinitions that the chart brings: whose they are, and when."""

import subprocess
import sys

import pytest

from support import helm

NAMES = {"devopspolicies.policy.steward.dev", "policyauditresults.policy.steward.dev"}


def definitions(values=None, component="policy"):
    return helm.of_kind(helm.render(values, component=component), "CustomResourceDefinition")


@pytest.mark.parametrize(("component", "names"), [("headless", set()), ("watch", set()), ("policy", NAMES), ("webhook", NAMES)])
def test_they_come_with_the_components_that_read_them(component, names):
    assert names == {one["metadata"]["name"] for one in definitions(component=component)}


@pytest.mark.parametrize("values", [{"crds": {"install": False}}, {"rbac": {"scope": "namespace"}}], ids=["switched off", "a namespace"])
def test_they_are_left_out(values):
    """Who installs into one namespace may not make what is the whole cluster's."""
    assert [] == definitions(values)


@pytest.mark.parametrize(("keep", "policy"), [(True, "keep"), (False, None)])
def test_they_stay_when_the_release_goes_unless_told_otherwise(keep, policy):
    assert {policy} == {one["metadata"].get("annotations", {}).get("helm.sh/resource-policy") for one in definitions({"crds": {"keep": keep}})}


def test_labels_and_annotations_of_ones_own():
    values = {"crds": {"additionalLabels": {"team": "a"}, "annotations": {"argocd.argoproj.io/sync-options": "ServerSideApply=true"}}}

    for one in definitions(values):
        assert "a" == one["metadata"]["labels"]["team"]
        assert "ServerSideApply=true" == one["metadata"]["annotations"]["argocd.argoproj.io/sync-options"]


def test_the_files_are_what_the_program_says():
    """ci/crds writes them; they are committed."""
    done = subprocess.run([sys.executable, str(helm.CHART.parent / "ci" / "crds"), "--check"], capture_output=True, text=True, check=False)

    assert done.returncode == 0, done.stderr
