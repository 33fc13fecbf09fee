"""Remediation and the chart: our own workloads are not for it."""

import msgspec
import pytest

from steward.policy.remediation import ownership
from steward.policy.remediation.config import RemediationConfig
from steward.policy.remediation.model import WORKLOADS, Workload
from support import helm


@pytest.mark.parametrize("component", helm.NAMES)
def test_a_component_of_ours_is_left_alone_whoever_installed_it(component):
    """Also where the labels of Helm got lost, as by a tool that renders the chart itself."""
    found = [one for one in helm.render(component=component) if one["kind"] in WORKLOADS]
    for one in found:
        one["metadata"]["labels"] = {}
        owner = ownership.owner_of(WORKLOADS[one["kind"]], msgspec.convert(one, Workload), RemediationConfig())
        assert owner is not None
        assert "Steward" == owner.name
    assert found
