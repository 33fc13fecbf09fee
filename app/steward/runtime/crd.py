"""CustomResourceDefinitions, made of the structs that their objects are decoded into.

What msgspec says about a struct is turned into a structural schema (KEP-1693's rules): without references, without ``null``, with the defaults of
scalars, so that a reader of an object sees what holds. ``extra_json_schema`` of a field carries what only Kubernetes knows, such as
``x-kubernetes-validations``.
"""

from __future__ import annotations

from typing import Any

import msgspec

from steward.runtime.resource import ObjectMeta, Resource, Struct

Schema = dict[str, Any]

_KEPT = (
    "description", "type", "format", "enum", "default", "minimum", "maximum", "minLength", "maxLength", "pattern",
    "minItems", "maxItems", "minProperties", "maxProperties",
)  # fmt: skip
"""Words of JSON schema that a structural schema has too; ``x-kubernetes-*`` besides."""

_INT32 = 2**31 - 1


def rule(cel: str, message: str) -> Schema:
    """A rule for ``extra_json_schema`` of a field. The language of 1.29 for new expressions, so without the library for quantities."""
    return {"x-kubernetes-validations": [{"rule": cel, "message": message}]}


class Column(Struct, frozen=True, rename={"json_path": "jsonPath"}):
    """A column of ``kubectl get``; one of priority 1 is shown by ``-o wide``."""

    name: str
    type: str
    json_path: str
    description: str = ""
    priority: int = 0


AGE = Column(name="Age", type="date", json_path=".metadata.creationTimestamp")


class DefinitionCondition(Struct, frozen=True):
    """``apiextensions.k8s.io/v1`` CustomResourceDefinitionCondition."""

    type: str = ""
    status: str = ""
    message: str = ""


class DefinitionStatus(Struct, frozen=True):
    """``apiextensions.k8s.io/v1`` CustomResourceDefinitionStatus."""

    conditions: tuple[DefinitionCondition, ...] | None = ()


class Definition(Struct, frozen=True):
    """``apiextensions.k8s.io/v1`` CustomResourceDefinition."""

    metadata: ObjectMeta = ObjectMeta()
    spec: dict[str, Any] = msgspec.field(default_factory=dict)
    status: DefinitionStatus = DefinitionStatus()

    @property
    def release(self) -> str:
        """The Helm release that manages it, with its namespace; empty for none."""
        notes = self.metadata.annotations
        name, namespace = notes.get("meta.helm.sh/release-name", ""), notes.get("meta.helm.sh/release-namespace", "")
        return f"{name} in namespace {namespace}" if name else ""


DEFINITIONS: Resource[Definition] = Resource(
    "apiextensions.k8s.io", "v1", "CustomResourceDefinition", "customresourcedefinitions", Definition, namespaced=False
)


class CustomResource(msgspec.Struct, frozen=True):
    """What a CustomResourceDefinition says beyond the struct.

    Attributes:
        resource: Its names and group.
        type: The whole struct; that of the resource may be only a part.
        short_names: For kubectl.
        columns: For ``kubectl get``.
    """

    resource: Resource[Any]
    type: type[Any]
    short_names: tuple[str, ...] = ()
    columns: tuple[Column, ...] = ()

    @property
    def name(self) -> str:
        """Name of the definition."""
        return str(self.resource)


def manifest(custom: CustomResource) -> dict[str, Any]:
    """The definition, as ``apiextensions.k8s.io/v1`` wants it."""
    resource = custom.resource
    fields = msgspec.json.schema(custom.type)
    schema = _structural(fields, fields["$defs"])
    schema["properties"] |= {"apiVersion": {"type": "string"}, "kind": {"type": "string"}, "metadata": {"type": "object"}}
    schema["required"] = ["spec"]
    version = {
        "name": resource.version,
        "served": True,
        "storage": True,
        "schema": {"openAPIV3Schema": schema},
        "additionalPrinterColumns": [msgspec.to_builtins(column) for column in (*custom.columns, AGE)],
    }
    if "status" in schema["properties"]:
        version["subresources"] = {"status": {}}
    return {
        "apiVersion": "apiextensions.k8s.io/v1",
        "kind": "CustomResourceDefinition",
        "metadata": {"name": custom.name},
        "spec": {
            "group": resource.group,
            "names": {
                "kind": resource.kind,
                "listKind": f"{resource.kind}List",
                "plural": resource.plural,
                "singular": resource.kind.lower(),
                "shortNames": list(custom.short_names),
                "categories": ["steward"],
            },
            "scope": "Namespaced" if resource.namespaced else "Cluster",
            "versions": [version],
        },
    }


def _structural(node: Schema, definitions: Schema) -> Schema:
    """One node of the schema and all below it."""
    node = _resolved(node, definitions)
    kept = {word: value for word, value in node.items() if word in _KEPT or word.startswith("x-kubernetes-")}
    if node.get("x-kubernetes-int-or-string"):
        return {word: value for word, value in kept.items() if word not in ("type", "default")}
    if "enum" in node:
        kept["type"] = "string"
    if node.get("type") == "integer":
        kept["format"] = "int32" if node.get("maximum", _INT32 + 1) <= _INT32 else "int64"
    if not isinstance(node.get("default"), bool | int | float) and not (isinstance(node.get("default"), str) and node["default"]):
        kept.pop("default", None)
    if "items" in node:
        kept["items"] = _structural(node["items"], definitions)
    if isinstance(node.get("additionalProperties"), dict):
        kept["additionalProperties"] = _structural(node["additionalProperties"], definitions)
    if node.get("properties"):
        kept["properties"] = {name: _structural(one, definitions) for name, one in node["properties"].items() if name != "metadata"}
        if node.get("required"):
            kept["required"] = node["required"]
    return kept


def _resolved(node: Schema, definitions: Schema) -> Schema:
    """The node behind references and behind ``or null``. What is said where it is used wins over what is said where it is defined."""
    if "anyOf" in node:
        others = [one for one in node["anyOf"] if one.get("type") != "null"]
        if len(others) == 1:
            node = others[0] | {word: value for word, value in node.items() if word != "anyOf"}
    if "$ref" in node:
        defined = _resolved(definitions[node["$ref"].rpartition("/")[2]], definitions)
        summary = {"description": defined["description"].partition("\n\n")[0].replace("\n", " ")} if "description" in defined else {}
        node = defined | summary | {word: value for word, value in node.items() if word != "$ref"}
    return node
