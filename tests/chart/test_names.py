"""Names fit, stay, and belong to one release."""

import json

import pytest

from support import helm
from support.paths import merge

LONG = "a" * 52 + "b"
ALL = helm.SCENARIOS["everything"]
CLUSTER_SCOPED = ("ClusterRole", "ClusterRoleBinding")


def identities(objects):
    """What tells objects apart. Definitions have the names of what they define; a second release leaves those of the first alone."""
    return [
        (found["apiVersion"], found["kind"], found["metadata"].get("namespace"), found["metadata"]["name"])
        for found in objects
        if found["kind"] != "CustomResourceDefinition"
    ]


RELEASES = {"steward": "steward", "s": "s", "53 characters": LONG, "chart-testing's": "chart-abc123defg"}


@pytest.mark.parametrize("release", RELEASES.values(), ids=RELEASES)
@pytest.mark.parametrize("scenario", helm.SCENARIOS)
def test_names_fit_and_are_unique(scenario, release):
    """Every name and every label value has at most 63 characters, and no two objects are the same."""
    objects = helm.render(helm.SCENARIOS[scenario], release=release, component=None)
    found = identities(objects)

    assert len(set(found)) == len(found)
    for one in objects:
        metadata = one["metadata"]
        assert len(metadata["name"]) <= 63
        assert not metadata["name"].endswith("-")
        for value in metadata.get("labels", {}).values():
            assert len(value) <= 63


@pytest.mark.parametrize("name", ["123", "1e3", "on"], ids=str)
def test_names_that_yaml_would_read_as_something_else(name):
    """helm and Kubernetes allow names that are a number or a boolean to YAML; they are texts everywhere."""
    objects = helm.render(merge(ALL, {"nameOverride": "y"}), release=name, namespace=name)

    for one in objects:
        metadata = one["metadata"]
        assert metadata["labels"]["app.kubernetes.io/instance"] == name
        assert metadata["labels"]["app.kubernetes.io/name"] == "y"
        assert metadata.get("namespace", name) == name
    assert helm.only(objects, "ServiceMonitor")["spec"]["namespaceSelector"]["matchNames"] == [name]
    assert helm.only(objects, "Service")["spec"]["selector"]["app.kubernetes.io/instance"] == name


def test_two_long_names_stay_two():
    """What is cut ends in a hash of the whole, so names that differ late still differ."""
    names = [{found["metadata"]["name"] for found in helm.render(ALL, release="a" * 52 + last)} for last in "bc"]

    assert names[0] & names[1] == set()


@pytest.mark.parametrize(
    ("one", "other"),
    [
        ({"release": "a"}, {"release": "b"}),
        ({"namespace": "x"}, {"namespace": "y"}),
        ({"release": LONG, "namespace": "x"}, {"release": LONG, "namespace": "y"}),
    ],
    ids=["releases", "namespaces", "long releases"],
)
def test_two_releases_share_no_name(one, other):
    """Two releases of different names, or of one name in two namespaces, do not collide."""
    first, second = (set(identities(helm.render(ALL, **where))) for where in (one, other))

    assert first & second == set()


def test_a_second_render_is_the_same_text():
    """Nothing in the chart is drawn by lot or depends on the time."""
    command = ("template", "steward", str(helm.CHART), "--values", "-")
    first, second = (helm.run(*command, stdin=json.dumps(ALL)) for _ in range(2))

    assert first == second


def test_overrides_of_names():
    """The three overrides reach every object, and the selectors follow the name."""
    objects = helm.render(merge(ALL, {"fullnameOverride": "butler", "nameOverride": "valet", "namespaceOverride": "house"}))

    for one in objects:
        name = one["metadata"]["name"]
        assert name.startswith("house-butler-" if one["kind"] in CLUSTER_SCOPED else "butler-")
        assert one["metadata"].get("namespace", "house") == "house"
        assert one["metadata"]["labels"]["app.kubernetes.io/name"] == "valet"


def test_the_name_of_the_chart_is_not_repeated():
    """A release called like the chart gives short names; another one is put before the chart's name."""
    names = {release: helm.only(helm.render(release=release), "Deployment")["metadata"]["name"] for release in ("steward", "my-steward", "prod")}

    assert names == {"steward": "steward-headless", "my-steward": "my-steward-headless", "prod": "prod-steward-headless"}
