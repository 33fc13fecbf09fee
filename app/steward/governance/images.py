"""References to container images, as registries and runtimes read them: ``[registry[:port]/]repository[:tag][@digest]``.

The grammar and the defaults are those of github.com/distribution/reference (``reference.go``, ``normalize.go``) and of
github.com/opencontainers/go-digest.
"""

from __future__ import annotations

import re
from typing import NamedTuple

DEFAULT_REGISTRY = "docker.io"
DEFAULT_TAG = "latest"
"""What a runtime pulls when a reference names neither tag nor digest (``reference.TagNameOnly``)."""

NAME_LIMIT = 255
"""Characters of the repository, without its registry (``RepositoryNameTotalLengthMax``)."""

_LABEL = r"(?:[a-zA-Z0-9]|[a-zA-Z0-9][a-zA-Z0-9-]*[a-zA-Z0-9])"
_REGISTRY = re.compile(rf"(?:{_LABEL}(?:\.{_LABEL})*|\[(?:[a-fA-F0-9:]+)\])(?::[0-9]+)?")
_PART = r"[a-z0-9]+(?:(?:[._]|__|[-]+)[a-z0-9]+)*"
_LOWER = re.compile(_PART)
_REPOSITORY = re.compile(rf"{_PART}(?:/{_PART})*")
_TAG = re.compile(r"[A-Za-z0-9_][A-Za-z0-9_.-]{0,127}")
_DIGESTS = {"sha256": 64, "sha384": 96, "sha512": 128}
"""Algorithms and the hexadecimal digits of each; others are refused (``digest.Algorithm.Available``)."""
_HEX = re.compile(r"[a-f0-9]+")
_ID = re.compile(r"[a-f0-9]{64}")


class Image(NamedTuple):
    """A reference in its parts. ``tag`` and ``digest`` are empty where the reference has none."""

    registry: str
    repository: str
    tag: str = ""
    digest: str = ""

    @property
    def is_latest(self) -> bool:
        """Whether what it means changes with every push to the default tag. A digest says what is pulled, whatever the tag."""
        return not self.digest and self.tag in ("", DEFAULT_TAG)


def parse(text: str) -> Image:
    """Read a reference.

    Raises: ValueError when no runtime could pull it; it says which part, and why.
    """
    if _ID.fullmatch(text):
        raise ValueError("64 hexadecimal digits are an image's id, not a name that can be pulled")
    rest, at, digest = text.partition("@")
    if at:
        _check_digest(digest)
    # A colon before the last slash belongs to the registry's port.
    slash = rest.rfind("/")
    colon = rest.find(":", slash + 1)
    name, tag = (rest, "") if colon < 0 else (rest[:colon], rest[colon + 1 :])
    if colon >= 0 and _TAG.fullmatch(tag) is None:
        raise ValueError(f'tag "{tag}": expected at most 128 letters, digits, _, . and -, the first none of . and -')
    registry, repository = _split(name)
    _check_name(registry, repository)
    if registry == DEFAULT_REGISTRY and "/" not in repository:
        repository = f"library/{repository}"
    if len(repository) > NAME_LIMIT:
        raise ValueError(f"repository: {len(repository)} characters, at most {NAME_LIMIT}")
    return Image(registry, repository, tag, digest)


def _split(name: str) -> tuple[str, str]:
    """Registry and repository. Only a first part that cannot be one of a repository is a registry (``splitDockerDomain``)."""
    first, slash, rest = name.partition("/")
    if not slash or not (set(".:[") & set(first) or first == "localhost" or first != first.lower()):
        return DEFAULT_REGISTRY, name
    return (DEFAULT_REGISTRY if first == "index.docker.io" else first), rest


def _check_name(registry: str, repository: str) -> None:
    if not repository:
        raise ValueError("no repository")
    if repository != repository.lower():
        raise ValueError(f'repository "{repository}": must be lower case')
    # foo_bar.com is no host by RFC 1123, and taken nevertheless: as a first part of the name it matches.
    if _REGISTRY.fullmatch(registry) is None and _LOWER.fullmatch(registry) is None:
        raise ValueError(f'registry "{registry}": expected a host, with or without a port')
    if _REPOSITORY.fullmatch(repository) is None:
        raise ValueError(f'repository "{repository}": expected a-z and 0-9, with /, ., -, _ or __ between them')


def _check_digest(digest: str) -> None:
    algorithm, _, digits = digest.partition(":")
    if algorithm not in _DIGESTS:
        raise ValueError(f'digest "{digest}": expected one of {", ".join(f"{name}:…" for name in _DIGESTS)}')
    if len(digits) != _DIGESTS[algorithm] or _HEX.fullmatch(digits) is None:
        raise ValueError(f"digest: expected {_DIGESTS[algorithm]} hexadecimal digits in lower case after {algorithm}:")
