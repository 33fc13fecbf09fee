"""What holds for the declaration of every component."""

import importlib

import pytest
from prometheus_client import CollectorRegistry

from steward import components
from steward.runtime import metrics
from steward.telemetry.metrics import bind, problems


@pytest.fixture(params=components.NAMES)
def component(request):
    return components.load(request.param)


def test_it_is_called_as_its_package(component):
    assert component is importlib.import_module(f"steward.{component.name}.component").COMPONENT
    assert component.config is components.config_type(component.name)


def test_its_metrics_keep_the_rules_and_can_be_bound_with_the_common_ones(component):
    assert [] == [problem for metric in component.metrics for problem in problems(metric)]

    bind((*metrics.ALL, *component.metrics), CollectorRegistry(), component=component.name)


def test_the_names_of_reasons_are_unique_and_typed(component):
    names = [reason.name for reason in component.reasons]

    assert len(set(names)) == len(names)
    assert {"Normal", "Warning"} >= {reason.type for reason in component.reasons}
