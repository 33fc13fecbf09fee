"""The schema catches what a person can get wrong, and says where."""

import json

import jsonschema
import pytest

from support import helm
from support.paths import dotted, merge, nest

SCHEMA = json.loads((helm.CHART / "values.schema.json").read_text())

OPEN = {
    "global": "shared with other charts",
    "global.compatibility": "as above",
    "global.compatibility.openshift": "as above",
    "serviceMonitor.endpointAdditionalProperties": "whatever Prometheus Operator accepts, now and later",
    "serviceMonitor.specAdditionalProperties": "as above",
    "podMonitor.endpointAdditionalProperties": "as above",
    "podMonitor.specAdditionalProperties": "as above",
    "extraVolumes.[]": "volumes as Kubernetes defines them",
    "extraContainers.[]": "containers as Kubernetes defines them",
    "extraInitContainers.[]": "as above",
    "podSpecExtra": "what this chart has no value for",
    "autoscaling.metrics.[]": "metrics as Kubernetes defines them",
    "networkPolicy.metricsFrom.[]": "peers as Kubernetes defines them",
    "networkPolicy.extraIngress.[]": "rules as Kubernetes defines them",
    "networkPolicy.egress.extra.[]": "rules as Kubernetes defines them",
    "extraObjects.[]": "objects of any kind",
    "extraObjects.any": "as above",
}
"""Places where any key is welcome, with the reason. Within Kubernetes' own types see KUBERNETES."""

KUBERNETES = ("affinity", "appArmorProfile", "behavior", "labelSelector", "lifecycle", "seLinuxOptions", "valueFrom", "windowsOptions")
"""Blocks of Kubernetes' own types that are passed on as they are; the API server checks them."""


def objects(schema=SCHEMA, path=()):
    """Every map that the schema describes, with its path."""
    if "$ref" in schema:
        schema = SCHEMA["definitions"][schema["$ref"].rpartition("/")[2]]
    for option in schema.get("anyOf", ()):
        yield from objects(option, path)
    if "object" in schema.get("type", ()):
        yield path, schema
        for key, value in schema.get("properties", {}).items():
            yield from objects(value, (*path, key))
        if isinstance(schema.get("additionalProperties"), dict):
            yield from objects(schema["additionalProperties"], (*path, "any"))
    if "items" in schema:
        yield from objects(schema["items"], (*path, "[]"))


STRICT = sorted({path for path, found in objects() if found.get("additionalProperties") is False and "components" not in path[:1]})
STRICT_COMPONENT = [("components",), *(("components", name, *more) for name in helm.NAMES for more in ((), ("config",)))]


def refusal(*values):
    """What helm says of values that do not fit; it names all that is wrong at once."""
    with pytest.raises(helm.RenderError) as refused:
        helm.render(merge(*values))
    return str(refused.value)


@pytest.fixture(scope="module")
def said_of_typos():
    """What helm says when every map has a key that nobody knows."""
    typos: dict = {}
    for path in (*STRICT, *STRICT_COMPONENT):
        found = typos
        for part in path:
            found = found.setdefault(part, {})
        found["typo"] = 1
    return refusal(listed(typos))


def listed(tree):
    """A tree in which the key [] stands for the items of a list, with a list of one in that place."""
    if not isinstance(tree, dict):
        return tree
    return [listed(tree["[]"])] if "[]" in tree else {key: listed(value) for key, value in tree.items()}


@pytest.mark.parametrize("path", STRICT + STRICT_COMPONENT, ids=lambda path: dotted(path) or "root")
def test_a_typo_is_refused_with_its_path(path, said_of_typos):
    """A key that nobody knows fails the render, and the message names the key and where it stands."""
    where = "".join("/0" if part == "[]" else f"/{part}" for part in path)

    assert f"at '{where}': additional properties 'typo' not allowed" in said_of_typos


def test_every_open_map_is_open_for_a_reason():
    """Only the listed maps accept any key; maps from texts to texts are those of labels and the like."""
    open_maps = set()
    for path, found in objects():
        extra = found.get("additionalProperties", True)
        if extra is True and path[:1] != ("components",) and not set(path) & set(KUBERNETES):
            open_maps.add(dotted(path))

    assert set(OPEN) == open_maps


@pytest.mark.parametrize("name", helm.NAMES)
def test_components_are_as_strict_as_the_root(name):
    """What a component can override is described by the same definitions as the root's default."""
    component = SCHEMA["properties"]["components"]["properties"][name]["properties"]
    for key in component.keys() - {"enabled", "config"}:
        root = SCHEMA["properties"].get(key)
        if root is None:
            assert component[key]["additionalProperties"] is False
        elif "$ref" in root:
            assert root == component[key]
        else:
            assert root["properties"] == SCHEMA["definitions"][key]["properties"]


def test_the_defaults_fit(values):
    """The chart's own values are valid, and the schema is a valid draft 7, which older helms read too."""
    jsonschema.Draft7Validator.check_schema(SCHEMA)
    jsonschema.Draft7Validator(SCHEMA).validate(values)
    assert SCHEMA["$schema"].startswith("http://json-schema.org/draft-07/")


def test_schema_and_values_name_the_same_keys(values):
    """A key of one is a key of the other, but for `enabled`, which a parent chart reads."""
    described = {path for path, _ in objects()} | {
        (*path, key) for path, found in objects() for key in found.get("properties", {}) if "any" not in path and "[]" not in path
    }
    for block in ("metrics", "serviceMonitor", "podMonitor", "prometheusRule", "dashboards", "networkPolicy", "leaderElection", "image"):
        assert set(values[block]) == {path[1] for path in described if path[:1] == (block,) and len(path) == 2}
    assert set(values) == set(SCHEMA["properties"]) - {"enabled"}


@pytest.mark.parametrize("allowed", [{"global": {"cattle": {"clusterId": "c"}}}, {"enabled": True}], ids=["global", "enabled"])
def test_what_parent_charts_set_is_accepted(allowed):
    """Umbrella charts put keys of their own under global, and use `enabled` as a condition."""
    assert helm.text(allowed) == helm.text()


WRONG = {
    "replicas": "three",
    "image.tag": 1.1,
    "image.pullPolicy": "Sometimes",
    "image.digest": "abc",
    "logLevel": "loud",
    "metrics.port": 70000,
    "serviceMonitor.interval": "soon",
    "serviceMonitor.additionalLabels.release": 1,
    "nameOverride": "Steward",
    "namespaceOverride": "a_b",
    "commonLabels.a": True,
    "podDisruptionBudget.minAvailable": "half",
    "components.headless.enabled": "yes",
    "prometheusRule.rules.OperatorDown.severity": "fatal",
    "extraArgs": "--verbose",
}


@pytest.fixture(scope="module")
def said_of_wrong_values():
    """What helm says of all wrong values."""
    return refusal(*(nest(key.split("."), wrong) for key, wrong in WRONG.items()))


@pytest.mark.parametrize("key", WRONG)
def test_a_wrong_value_is_refused_with_its_path(key, said_of_wrong_values):
    """A value of the wrong type, or none of the choices, is named with its path."""
    assert f"at '/{key.replace('.', '/')}'" in said_of_wrong_values


@pytest.mark.parametrize("key", ["logLevel", "leaderElection.enabled", "metrics.port", "components.headless"])
def test_null_where_the_chart_needs_a_value_is_named(key):
    """helm drops a key that is null; the schema says that it is missing."""
    with pytest.raises(helm.RenderError) as refused:
        helm.render(nest(key.split("."), None))

    assert f"missing property '{key.rpartition('.')[2]}'" in str(refused.value)


@pytest.mark.parametrize("scenario", helm.SCENARIOS)
def test_ci_values_fit(values, scenario):
    """Every file that chart-testing installs is valid, by this reader of schemas too."""
    jsonschema.Draft7Validator(SCHEMA).validate(merge(values, helm.SCENARIOS[scenario]))


def test_every_ci_file_is_one_that_chart_testing_reads():
    """It reads *-values.yaml, and no plain defaults where there is any such file."""
    names = {path.name for path in (helm.CHART / "ci").iterdir()}

    assert names == {f"{scenario}-values.yaml" for scenario in helm.SCENARIOS}
    assert helm.SCENARIOS["default"] == {}
