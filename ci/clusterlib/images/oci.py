"""Writes OCI image archives (https://github.com/opencontainers/image-spec); the same input makes the same bytes."""

import hashlib
import io
import json
import platform
import tarfile
from collections.abc import Mapping, Sequence
from dataclasses import dataclass, field
from pathlib import Path
from typing import Any, BinaryIO

_MANIFEST = "application/vnd.oci.image.manifest.v1+json"
_CONFIG = "application/vnd.oci.image.config.v1+json"
_LAYER = "application/vnd.oci.image.layer.v1.tar"
_ARCHITECTURES = {"x86_64": "amd64", "aarch64": "arm64"}


@dataclass(frozen=True)
class Image:
    """What an image holds: files put on an empty root, above whole layers if there are any."""

    reference: str
    """registry/repository:tag, the name containerd knows it by."""
    files: Mapping[str, Path] = field(default_factory=dict)
    """Absolute path in the image to the executable that goes there."""
    layers: Sequence[Path] = ()
    """Uncompressed tar files, the lowest first."""
    config: Mapping[str, Any] = field(default_factory=dict)
    """Entrypoint, User, Env … as in the image specification."""


def write(image: Image, target: Path) -> None:
    """Write the archive; `target` appears only when it is whole."""
    target.parent.mkdir(parents=True, exist_ok=True)
    half_made = target.with_name(f".{target.name}")
    own_layer = half_made.with_suffix(".layer")
    layers = list(image.layers)
    if image.files:
        with own_layer.open("wb") as file:
            _write_layer(file, image.files)
        layers.append(own_layer)
    with tarfile.open(half_made, "w", format=tarfile.PAX_FORMAT) as archive:
        _write_archive(archive, image, layers)
    own_layer.unlink(missing_ok=True)
    half_made.rename(target)


def digest_of(archive: Path) -> str:
    """The digest of an archive's manifest, by which a runtime knows whether it has it; empty for an archive that is not OCI (an older Docker's)."""
    with tarfile.open(archive) as file:
        index = file.extractfile("index.json") if "index.json" in file.getnames() else None
        return str(json.load(index)["manifests"][0]["digest"]) if index else ""


def _write_archive(archive: tarfile.TarFile, image: Image, layers: Sequence[Path]) -> None:
    digests = [_digest_of_file(path) for path in layers]
    machine = platform.machine()
    where = {"architecture": _ARCHITECTURES.get(machine, machine), "os": "linux"}
    history = [{"created_by": "ci/cluster"} for _ in digests]  # buildah wants one entry per layer
    config = _json({**where, "config": dict(image.config), "rootfs": {"type": "layers", "diff_ids": digests}, "history": history})
    manifest = _json(
        {
            "schemaVersion": 2,
            "mediaType": _MANIFEST,
            "config": _descriptor(_CONFIG, config),
            "layers": [{"mediaType": _LAYER, "digest": digest, "size": path.stat().st_size} for digest, path in zip(digests, layers, strict=True)],
        }
    )
    tag = image.reference.rpartition(":")[2]
    names = {"io.containerd.image.name": image.reference, "org.opencontainers.image.ref.name": tag}
    index = _json({"schemaVersion": 2, "manifests": [{**_descriptor(_MANIFEST, manifest), "platform": where, "annotations": names}]})
    _add(archive, "oci-layout", b'{"imageLayoutVersion":"1.0.0"}')
    _add(archive, "index.json", index)
    for blob in (config, manifest):
        _add(archive, _blob(_digest(blob)), blob)
    for digest, path in dict(zip(digests, layers, strict=True)).items():
        with path.open("rb") as file:
            archive.addfile(_member(_blob(digest), path.stat().st_size), file)


def _write_layer(target: BinaryIO, files: Mapping[str, Path]) -> None:
    with tarfile.open(fileobj=target, mode="w", format=tarfile.PAX_FORMAT) as layer:
        directories = {parent for name in files for parent in Path(name.lstrip("/")).parents if parent != Path()}
        for directory in sorted(directories):
            entry = tarfile.TarInfo(str(directory))
            entry.type, entry.mode = tarfile.DIRTYPE, 0o755
            layer.addfile(entry)
        for name, source in sorted(files.items()):
            with source.open("rb") as file:
                layer.addfile(_member(name.lstrip("/"), source.stat().st_size, mode=0o755), file)


def _add(archive: tarfile.TarFile, name: str, data: bytes) -> None:
    archive.addfile(_member(name, len(data)), io.BytesIO(data))


def _member(name: str, size: int, *, mode: int = 0o644) -> tarfile.TarInfo:
    """A file of root's from 1970: who made it and when must not change the digest."""
    entry = tarfile.TarInfo(name)
    entry.size, entry.mode = size, mode
    return entry


def _descriptor(media_type: str, data: bytes) -> dict[str, Any]:
    return {"mediaType": media_type, "digest": _digest(data), "size": len(data)}


def _blob(digest: str) -> str:
    return f"blobs/{digest.replace(':', '/')}"


def _json(value: object) -> bytes:
    return json.dumps(value, sort_keys=True).encode()


def _digest(data: bytes) -> str:
    return f"sha256:{hashlib.sha256(data).hexdigest()}"


def _digest_of_file(path: Path) -> str:
    with path.open("rb") as file:
        return f"sha256:{hashlib.file_digest(file, 'sha256').hexdigest()}"
