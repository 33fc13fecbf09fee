"""State in, Plan out: every trigger of the behaviour table (inventory 0.3) and what is told about it."""

import pytest

from steward.headless import reasons
from steward.headless.config import Config
from steward.headless.controller import reconcile
from steward.headless.model import SERVICES
from support.builders import pod
from support.desk import state

WEB = pod("web-0")


def with_annotation(**annotations):
    return pod("web-0", annotations={f"steward.dev/{name.replace('_', '-')}": value for name, value in annotations.items()})


@pytest.mark.parametrize(
    ("annotations", "note"),
    [
        (
            {"headless_service_ports": "web=80,http"},
            'steward.dev/headless-service-ports: "http" is not a port; write name=port/protocol, such as web=8080 or 9090/UDP. '
            "The ports of the containers are published.",
        ),
        ({"publish_not_ready": "yes"}, 'steward.dev/publish-not-ready: "yes" is neither true nor false. The operator\'s configuration decides.'),
    ],
    ids=["ports", "publish-not-ready"],
)
def test_an_annotation_that_is_not_understood_is_told_and_counts_as_absent(annotations, note):
    """The pod gets its name nevertheless, as if the annotation were not there."""
    plan, usual = reconcile(state(with_annotation(**annotations))), reconcile(state(WEB))

    assert [(reasons.INVALID_ANNOTATION, note)] == [(event.reason, event.note) for event in plan.events]
    assert [action.desired for action in usual.actions] == [action.desired for action in plan.actions]


@pytest.mark.parametrize("configured", [True, False])
@pytest.mark.parametrize(("said", "expected"), [(None, None), ("true", True), ("1", True), ("false", False), ("F", False), ("yes", None), ("", None)])
def test_publishing_before_ready_is_said_by_the_pod_or_else_by_the_configuration(said, expected, configured):
    annotated = with_annotation(publish_not_ready=said) if said is not None else WEB
    plan = reconcile(state(annotated, config=Config(publish_not_ready_addresses=configured)))
    (made,) = (action.desired for action in plan.actions if action.resource is SERVICES)

    assert (configured if expected is None else expected) is made.spec.publish_not_ready_addresses
