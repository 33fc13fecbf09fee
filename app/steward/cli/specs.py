"""What a policy asks, as people write it in files: strictly, so that what is misspelt is not taken for what is left out."""

from __future__ import annotations

from typing import Any

import msgspec

from steward.cli import explain
from steward.governance.policies import PolicySpec
from steward.runtime.errors import ConfigError

_SCHEMA = msgspec.json.schema(PolicySpec)


def read(where: str, spec: dict[str, Any], *, strict: bool = True) -> PolicySpec:
    """The spec of a policy.

    Args:
        where: Names the policy in messages.
        spec: As it is written.
        strict: Whether keys that this version does not know are refused; a cluster may have them of a newer one.

    Raises: ConfigError, which names the place and the field.
    """
    if strict and (found := explain.unknown(spec, _SCHEMA)):
        raise ConfigError(f"{where}: spec.{found}")
    try:
        return msgspec.convert(spec, PolicySpec)
    except msgspec.ValidationError as error:
        raise ConfigError(f"{where}: spec.{explain.invalid(error, spec, _SCHEMA)}") from error
