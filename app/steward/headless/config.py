"""What a user can configure about headless Services."""

from __future__ import annotations

from collections.abc import Iterator
from typing import Annotated, Literal

import msgspec

from steward.runtime import selector
from steward.runtime.errors import ConfigError
from steward.runtime.resource import check_namespaces


class Config(msgspec.Struct, frozen=True, rename="camel", forbid_unknown_fields=True, kw_only=True):
    """Configuration of the component ``headless``."""

    annotation: Annotated[str, msgspec.Meta(min_length=1, max_length=317, description='Annotation that asks for a Service when it says "true".')] = (
        "steward.dev/headless-service"
    )
    legacy_annotations: Annotated[
        tuple[str, ...], msgspec.Meta(description="Further annotations with the same meaning, for pods annotated for other operators.")
    ] = ("srcd.host/create-headless-service",)
    exclude_namespaces: Annotated[tuple[str, ...], msgspec.Meta(description="Namespaces whose pods are left alone.")] = ()
    pod_selector: Annotated[
        str, msgspec.Meta(description="Only pods that match this label selector, such as `tier in (a, b),!batch`. Empty matches all.")
    ] = ""
    host_network: Annotated[
        Literal["allow", "deny"],
        msgspec.Meta(description="Whether pods in the network of their node get a name; it then points to the node's address."),
    ] = "allow"
    publish_not_ready_addresses: Annotated[
        bool,
        msgspec.Meta(
            description="Whether a name is answered before its pod is ready. A pod says otherwise by the annotation `steward.dev/publish-not-ready`."
        ),
    ] = True
    long_names: Annotated[
        Literal["skip", "hash"],
        msgspec.Meta(
            description="What to do for a pod whose name cannot be that of a Service: leave it out, or shorten it and add a hash of the whole name."
        ),
    ] = "skip"
    copy_annotations: Annotated[tuple[str, ...], msgspec.Meta(description="Annotations copied from the pod to its Service. Others never are.")] = ()

    def __post_init__(self) -> None:
        """Refuse what would silently never match. Raises: ConfigError."""
        for field, name in self._annotations():
            # Unlike those of labels, keys of annotations may have capital letters in their domain.
            if not selector.is_key(name.lower()):
                raise ConfigError(f'config.{field}: "{name}" is not the key of an annotation. Write one such as example.com/headless-service.')
        check_namespaces("config.excludeNamespaces", self.exclude_namespaces)
        try:
            selector.check(self.pod_selector)
        except ValueError as error:
            raise ConfigError(f"config.podSelector: {error}. Write a label selector such as app=web,tier in (a, b),!batch.") from error

    def _annotations(self) -> Iterator[tuple[str, str]]:
        yield "annotation", self.annotation
        yield from ((f"legacyAnnotations[{index}]", name) for index, name in enumerate(self.legacy_annotations))
        yield from ((f"copyAnnotations[{index}]", name) for index, name in enumerate(self.copy_annotations))
