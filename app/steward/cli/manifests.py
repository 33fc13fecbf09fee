"""Kubernetes manifests as people have them: JSON or YAML, several documents in a file, lists, pods and what makes pods."""

from __future__ import annotations

import sys
from collections.abc import Iterator
from pathlib import Path
from typing import Any, NamedTuple

import msgspec
import yaml

from steward.cli import explain
from steward.governance.model import Pod, Workload, owner_of
from steward.governance.templates import TEMPLATES, without_nulls
from steward.runtime.errors import ConfigError


class Document(NamedTuple):
    """One object of a file.

    Attributes:
        where: Names it in messages: the file, and which document or item in it.
        content: The object.
        file: The file; - is stdin.
        line: Where its document begins, from 1 on.
    """

    where: str
    content: dict[str, Any]
    file: str
    line: int

    @property
    def kind(self) -> tuple[str, str]:
        """API group and kind."""
        return self.content["apiVersion"].rpartition("/")[0], self.content["kind"]


class Subject(NamedTuple):
    """A pod or pod template, what it belongs to, and what it stands in."""

    document: Document
    workload: Workload
    pod: Pod


class _Loader(getattr(yaml, "CSafeLoader", yaml.SafeLoader)):  # type: ignore[misc]
    """Reads YAML as kubectl does: what looks like a date stays text."""


_Loader.yaml_implicit_resolvers = {
    first: [(tag, pattern) for tag, pattern in resolvers if tag != "tag:yaml.org,2002:timestamp"]
    for first, resolvers in yaml.SafeLoader.yaml_implicit_resolvers.items()
}


def read(file: str) -> Iterator[Document]:
    """The objects in a file, or on stdin for ``-``; lists are taken apart, empty documents left out.

    Raises: ConfigError when the file cannot be read, or something in it is no Kubernetes object; it names the file and the document.
    """
    for number, (line, content) in enumerate(_contents(file, _text(file)), 1):
        if content is not None:
            for where, found in _objects(f"{file}, document {number}", content):
                yield Document(where, found, file, line)


def parts(name: str, text: str) -> Iterator[tuple[Document, str]]:
    """The objects in YAML text, each with its lines as they stand there, its comments and the mark before it included.

    Args:
        name: Names the text in messages.
        text: What a program printed; no lists.

    Raises: ConfigError.
    """
    lines = text.splitlines(keepends=True)
    loader = _Loader(text)
    begin = 0
    while loader.check_node():
        node = loader.get_node()
        content = loader.construct_document(node)
        begin, part = node.end_mark.line, "".join(lines[begin : node.end_mark.line])
        if content is not None:
            for where, found in _objects(name, content):
                yield Document(where, found, name, node.start_mark.line + 1), part


def subject(document: Document) -> Subject | None:
    """The pod or pod template in an object; None in one of another kind.

    Raises: ConfigError when it is not what the API server would take.
    """
    path = TEMPLATES.get(document.kind)
    if path is None:
        return None
    kind = document.content["kind"]
    meta = _mapping(document, "metadata", document.content.get("metadata", {}))
    name = str(meta.get("name") or f"{meta.get('generateName', '')}*")
    workload = Workload(str(meta.get("namespace") or ""), kind, name)
    content: Any = document.content
    for depth, step in enumerate(path, 1):
        if step not in content:
            raise ConfigError(f"{document.where}, {workload}: {'.'.join(path[:depth])}: expected a value, got none. Write a pod template.")
        content = _mapping(document, ".".join(path[:depth]), content[step])
    place = f"{document.where}, {workload}: {'.'.join(path)}{'.' if path else ''}"
    try:
        pod = msgspec.convert(content, Pod)
    except msgspec.ValidationError as error:
        raise ConfigError(place + explain.invalid(error, content, msgspec.json.schema(Pod))) from error
    if not pod.spec.containers:
        raise ConfigError(f"{place}spec.containers: expected at least one container, got none. Write one.")
    _check_time(place, pod)
    return Subject(document, workload if path or pod.metadata.controller is None else owner_of(pod), pod)


def _check_time(place: str, pod: Pod) -> None:
    try:
        has_zone = pod.created is None or pod.created.tzinfo is not None
    except ValueError:
        has_zone = False
    if not has_zone:
        stamp = pod.metadata.creation_timestamp
        raise ConfigError(f'{place}metadata.creationTimestamp: expected a time with its zone, got "{stamp}". Write a time such as {explain.A_TIME}.')


def _text(file: str) -> str:
    try:
        return sys.stdin.buffer.read().decode() if file == "-" else Path(file).read_text(encoding="utf-8")
    except OSError as error:
        raise ConfigError(f"{file}: cannot be read: {error.strerror}. Name a file with manifests, or - for stdin.") from error
    except UnicodeDecodeError as error:
        raise ConfigError(f"{file}: not UTF-8: byte {error.start + 1}. Save it as UTF-8 text.") from error


def _contents(file: str, text: str) -> Iterator[tuple[int, Any]]:
    """Each document with the line it begins in."""
    if text.lstrip().startswith("{"):
        try:
            # kubectl's output of a large cluster: a hundred times as quick as YAML.
            yield 1, without_nulls(msgspec.json.decode(text))
        except msgspec.DecodeError:
            pass
        else:
            return
    number = 1
    try:
        loader = _Loader(text)
        while loader.check_node():
            node = loader.get_node()
            yield node.start_mark.line + 1, without_nulls(loader.construct_document(node))
            number += 1
    except yaml.MarkedYAMLError as error:
        raise ConfigError(f"{file}, document {number}: {explain.malformed(error)}") from error
    except (yaml.YAMLError, RecursionError, ValueError) as error:
        raise ConfigError(f"{file}, document {number}: not YAML: {' '.join(str(error).split())}. Write Kubernetes manifests.") from error


def _objects(where: str, content: Any) -> Iterator[tuple[str, dict[str, Any]]]:
    if not isinstance(content, dict):
        raise ConfigError(f"{where}: expected a Kubernetes object, got {_kind_of(content)}. Give manifests, as kubectl and helm print them.")
    for field in ("apiVersion", "kind"):
        if not isinstance(content.get(field), str) or not content[field]:
            raise ConfigError(f"{where}: {field}: expected text, got {_kind_of(content.get(field))}. Give manifests, as kubectl and helm print them.")
    if content["kind"].endswith("List") and isinstance(content.get("items"), list):
        for number, item in enumerate(content["items"]):
            yield from _objects(f"{where}, items[{number}]", _typed(content, item))
    else:
        yield where, content


def _typed(around: dict[str, Any], item: Any) -> Any:
    """An item of a typed list, as the API server sends it, does not say again what it is."""
    if isinstance(item, dict) and around["kind"] != "List":
        return {"apiVersion": around["apiVersion"], "kind": around["kind"].removesuffix("List"), **item}
    return item


def _mapping(document: Document, path: str, value: Any) -> dict[str, Any]:
    if not isinstance(value, dict):
        raise ConfigError(f"{document.where}, {document.kind[1]}: {path}: expected a mapping of keys to values, got {_kind_of(value)}.")
    return value


def _kind_of(value: Any) -> str:
    names = {dict: "a mapping", list: "a list", str: "text", bool: "a boolean", int: "a number", float: "a number", type(None): "none"}
    return names.get(type(value), type(value).__name__)
