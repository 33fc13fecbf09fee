"""The chart's files, read once."""

import json

import pytest
import yaml

from support import helm


@pytest.fixture(scope="session")
def values():
    """The chart's defaults."""
    return yaml.safe_load((helm.CHART / "values.yaml").read_text())


@pytest.fixture(scope="session")
def schema():
    """The schema of the values."""
    return json.loads((helm.CHART / "values.schema.json").read_text())
