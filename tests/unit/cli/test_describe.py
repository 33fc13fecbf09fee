"""``steward describe``, for every component."""

import json

import jsonschema
import pytest
import yaml

from steward import components
from steward.runtime.component import LEASE_RIGHT


@pytest.fixture(params=components.NAMES)
def facts(request, steward):
    """What is said about one component."""
    code, out, err = steward("describe", request.param, "-o", "json")

    assert (0, "") == (code, err)
    return json.loads(out)


def test_yaml_says_the_same_as_json(facts, steward):
    assert facts == yaml.safe_load(steward("describe", facts["name"], "-o", "yaml")[1])


def test_text_names_every_right_metric_and_reason(facts, steward):
    text = steward("describe", facts["name"])[1]

    for named in (*facts["metrics"], *facts["reasons"]):
        assert f"  {named['name']}" in text
    for right in facts["rights"]:
        assert f"  {right['resource']}" in text


def test_the_configuration_schema_is_strict_and_accepts_the_defaults(facts):
    validator = jsonschema.validators.validator_for(facts["config"])(facts["config"])

    assert validator.is_valid({})
    assert not validator.is_valid({"noSuchKey": 1})


def test_every_right_says_why(facts):
    for right in facts["rights"]:
        assert {"group", "resource", "verbs", "namespaced", "when", "named", "why"} == set(right)
        assert right["verbs"]
        assert right["why"]


def test_every_metric_has_type_help_and_labels_and_common_ones_the_component(facts):
    names = [metric["name"] for metric in facts["metrics"]]

    assert len(set(names)) == len(names)
    assert {"steward_build_info", "steward_component_ready", "process_resident_memory_bytes"} <= set(names)
    for metric in facts["metrics"]:
        assert metric["type"] in {"counter", "gauge", "histogram"}, metric
        assert metric["help"], metric
        assert metric["name"].startswith("steward_") == (metric["labels"][:1] == ["component"]), metric
        assert (metric["type"] == "histogram") == ("buckets" in metric), metric


def test_who_elects_no_leader_has_neither_its_right_nor_its_metric(facts):
    """A lease of another purpose is a component's own affair, and is named."""
    elects = components.load(facts["name"]).elects_leader

    assert elects == any(right["why"] == LEASE_RIGHT.why for right in facts["rights"])
    assert elects == any(metric["name"] == "steward_leader" for metric in facts["metrics"])


def test_who_tells_events_counts_them_leader_or_not(facts):
    """A component whose service tells some could not even start."""
    tells = bool(components.load(facts["name"]).reasons)

    assert tells == any(metric["name"] == "steward_events_recorded_total" for metric in facts["metrics"])
