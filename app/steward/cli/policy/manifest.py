"""Policies as manifests: what stands in files and in the cluster, field by field, also fields that this program does not know."""

from __future__ import annotations

from collections.abc import Iterable, Iterator
from typing import Any

import msgspec
import yaml

from steward.cli import explain, manifests, specs
from steward.governance import conversion
from steward.governance.policies import POLICIES, DevOpsPolicy
from steward.runtime.errors import ConfigError
from steward.runtime.resource import Key, ObjectMeta, Resource, Struct

EXPORTED_AT, EXPORTED_FROM = f"{POLICIES.group}/exported-at", f"{POLICIES.group}/exported-from"

_PRIVATE = ("kubectl.kubernetes.io/last-applied-configuration",)
"""Annotations that belong to one cluster."""


class Manifest(Struct, frozen=True):
    """A policy as it is written. Without a status: that is for the component alone to write."""

    metadata: ObjectMeta
    # Written even when it is empty: the API server wants it.
    spec: dict[str, Any]

    @property
    def key(self) -> Key:
        """Namespace and name."""
        return self.metadata.key


MANIFESTS: Resource[Manifest] = Resource(POLICIES.group, POLICIES.version, POLICIES.kind, POLICIES.plural, Manifest)


def plain(manifest: Manifest, *, namespace: str = "", annotations: dict[str, str] | None = None) -> Manifest:
    """What can be applied elsewhere: name, labels, annotations and what is asked.

    Args:
        manifest: As it was read.
        namespace: Instead of its own.
        annotations: Beside its own.
    """
    meta = manifest.metadata
    kept = {name: value for name, value in meta.annotations.items() if name not in _PRIVATE} | (annotations or {})
    return Manifest(
        metadata=ObjectMeta(name=meta.name, namespace=namespace or meta.namespace, labels=meta.labels, annotations=kept), spec=manifest.spec
    )


def of_policy(policy: DevOpsPolicy) -> Manifest:
    """A policy of ours as a manifest, which says what it does and its probe also where that is the default."""
    spec = {"enforcementMode": policy.spec.enforcement_mode} | msgspec.to_builtins(policy.spec)
    if (probe := policy.spec.default_probe) is not None:
        spec["defaultProbe"] |= {"initialDelaySeconds": probe.initial_delay_seconds, "periodSeconds": probe.period_seconds}
    return Manifest(metadata=policy.metadata, spec=spec)


def to_policy(manifest: Manifest, where: str, *, strict: bool = True) -> DevOpsPolicy:
    """A manifest as a policy; arguments as of :func:`steward.cli.specs.read`. Raises: ConfigError."""
    return DevOpsPolicy(metadata=manifest.metadata, spec=specs.read(where, manifest.spec, strict=strict))


def read(files: Iterable[str], *, namespace: str = "") -> list[Manifest]:
    """The policies in files; - is stdin.

    Args:
        files: What to read.
        namespace: Instead of those that stand there.

    Raises: ConfigError when there is anything else, something is wrong, or two are the same.
    """
    found: dict[Key, Manifest] = {}
    for document, manifest in _documents(files):
        to_policy(manifest, document.where)
        one = plain(manifest, namespace=namespace)
        if one.key in found:
            raise ConfigError(f"{document.where}: policy {one.key} is there twice. Leave one out.")
        found[one.key] = one
    if not found:
        raise ConfigError(f"{', '.join(files)}: no policy. Give manifests of {POLICIES.kind}.")
    return list(found.values())


def _documents(files: Iterable[str]) -> Iterator[tuple[manifests.Document, Manifest]]:
    for file in files:
        for document in manifests.read(file):
            group, kind = document.kind
            if conversion.is_old(document.content):
                raise ConfigError(f"{document.where}: {kind} of {group}. Convert it first: steward policy convert {file}.")
            if (group, kind) != (POLICIES.group, POLICIES.kind):
                raise ConfigError(f"{document.where}: expected {POLICIES.kind} of {POLICIES.api_version}, got {kind} of {group or 'v1'}.")
            yield document, as_manifest(document.content, document.where)


def as_manifest(content: dict[str, Any], where: str) -> Manifest:
    """A document as a manifest. Raises: ConfigError, which names the place ``where`` and the field."""
    try:
        manifest = msgspec.convert(content, Manifest)
    except msgspec.ValidationError as error:
        raise ConfigError(f"{where}: {explain.invalid(error, content, msgspec.json.schema(Manifest))}") from error
    if not manifest.metadata.name:
        raise ConfigError(f"{where}: metadata.name: expected text, got none. Write a name.")
    return manifest


def written(several: Iterable[Manifest]) -> str:
    """As YAML documents."""
    return str(yaml.safe_dump_all(map(MANIFESTS.manifest, several), sort_keys=False, width=120, allow_unicode=True, explicit_start=True)).rstrip()
