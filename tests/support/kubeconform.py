"""The real kubeconform, strict, with schemas that need no download: Kubernetes' from the package kubernetes-validate, others' from their CRDs."""

from __future__ import annotations

import json
import re
import subprocess
from collections.abc import Iterator, Mapping, Sequence
from pathlib import Path
from typing import Any

import kubernetes_validate
import yaml

from support import crds, helm

PACKAGE = Path(kubernetes_validate.__file__).parent / "kubernetes-json-schema"


class Kubeconform:
    """Checks objects against one version of Kubernetes. Keeps schemas in a directory, where kubeconform looks for them."""

    def __init__(self, directory: Path, version: str) -> None:
        self.version = f"{version}.0"
        self._source = PACKAGE / f"v{self.version}-local-strict"
        self._definitions = json.loads((self._source / "_definitions.json").read_text())["$defs"]
        self._schemas, self._files = directory / version / "schemas", directory / version / "files"
        for path in (self._schemas, self._files):
            path.mkdir(parents=True)

    def problems(self, files: Mapping[str, Sequence[helm.Object]]) -> dict[str, list[str]]:
        """What is wrong in each file, by its name: one line for each object that is."""
        for name, objects in files.items():
            (self._files / f"{name}.yaml").write_text(yaml.dump_all(objects, Dumper=yaml.CSafeDumper))
            for found in objects:
                self._have_schema(found["apiVersion"], found["kind"])
        location = f"{self._schemas}/{{{{ .Group }}}}_{{{{ .ResourceAPIVersion }}}}_{{{{ .ResourceKind }}}}.json"
        command = [helm.tool("kubeconform"), "-strict", "-output", "json", "-kubernetes-version", self.version, "-schema-location", location]
        done = subprocess.run([*command, str(self._files)], capture_output=True, text=True, check=False)
        found_in: dict[str, list[str]] = {name: [] for name in files}
        for one in json.loads(done.stdout)["resources"]:
            found_in[Path(one["filename"]).stem].append(f"{one['kind']}/{one['name']}: {one['msg']}")
        return found_in

    def _have_schema(self, api_version: str, kind: str) -> None:
        group, _, version = api_version.rpartition("/")
        path = self._schemas / f"{group or version}_{version}_{kind.lower()}.json"
        if not path.exists():
            custom = crds.definitions().get(kind)
            path.write_text(json.dumps(_schema_of(custom, version) if custom else self._schema(group, version, kind)))

    def _schema(self, group: str, version: str, kind: str) -> dict[str, Any]:
        """A schema of the package with the definitions it refers to, and no others: kubeconform reads all that is there."""
        suffix = f"-{group.partition('.')[0]}-{version}" if group else f"-{version}"
        schema = json.loads((self._source / f"{kind.lower()}{suffix}.json").read_text())
        wanted, taken = _references(schema), {}
        while wanted:
            name = wanted.pop()
            taken[name] = self._definitions[name]
            wanted |= _references(taken[name]) - taken.keys()
        text = json.dumps({**schema, "$defs": taken}).replace("/api/_definitions.json#", "#")
        return {key: value for key, value in json.loads(text).items() if key != "$id"}


def _references(schema: Any) -> set[str]:
    """Names of the definitions that a schema refers to."""
    return set(re.findall(r'#/\$defs/([^"]+)', json.dumps(schema)))


def _schema_of(definition: dict[str, Any], version: str) -> dict[str, Any]:
    """The schema in a CRD as JSON schema, in which unknown fields are errors."""
    (schema,) = (one["schema"]["openAPIV3Schema"] for one in definition["spec"]["versions"] if one["name"] == version)
    schema = json.loads(json.dumps(schema))
    schema["properties"]["metadata"] = {"type": "object"}
    for node in _nodes(schema):
        if "properties" in node and not node.get("x-kubernetes-preserve-unknown-fields"):
            node.setdefault("additionalProperties", False)
        if node.pop("x-kubernetes-int-or-string", False):
            node["type"] = ["integer", "string"]
            node.pop("anyOf", None)
    return dict(schema)


def _nodes(schema: Any) -> Iterator[dict[str, Any]]:
    """A schema and all schemas in it."""
    if isinstance(schema, dict):
        yield schema
        for key in ("properties", "items", "additionalProperties", "anyOf", "oneOf", "allOf"):
            below = schema.get(key)
            for node in below.values() if key == "properties" and isinstance(below, dict) else below if isinstance(below, list) else [below]:
                yield from _nodes(node)
