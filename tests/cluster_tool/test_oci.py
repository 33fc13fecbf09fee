"""Image archives, read back by what reads them."""

import hashlib
import json
import subprocess
import tarfile

import pytest
from clusterlib.images import oci

REFERENCE = "example.test/shop/hello:1.0"


@pytest.fixture
def image(tmp_path):
    program = tmp_path / "hello"
    program.write_bytes(b"#!/bin/sh\n")
    program.chmod(0o600)
    base = tmp_path / "base.tar"
    with tarfile.open(base, "w") as file:
        file.add(program, "etc/base")
    return oci.Image(REFERENCE, {"/usr/bin/hello": program}, [base], {"Entrypoint": ["/usr/bin/hello"], "User": "65532:65532"})


@pytest.fixture
def blobs(image, tmp_path):
    """Every file of the archive by its name."""
    oci.write(image, tmp_path / "image.tar")
    with tarfile.open(tmp_path / "image.tar") as file:
        return {name: file.extractfile(name).read() for name in file.getnames()}


def blob(blobs, descriptor):
    return blobs["blobs/" + descriptor["digest"].replace(":", "/")]


def test_every_blob_has_the_digest_it_is_named_by(blobs):
    for name, data in blobs.items():
        if name.startswith("blobs/sha256/"):
            assert hashlib.sha256(data).hexdigest() == name.rpartition("/")[2]


def test_index_manifest_and_config_lead_to_the_layers(blobs):
    descriptor = json.loads(blobs["index.json"])["manifests"][0]
    manifest = json.loads(blob(blobs, descriptor))
    config = json.loads(blob(blobs, manifest["config"]))

    assert descriptor["annotations"]["io.containerd.image.name"] == REFERENCE
    assert config["rootfs"]["diff_ids"] == [layer["digest"] for layer in manifest["layers"]]
    assert [len(blob(blobs, layer)) for layer in manifest["layers"]] == [layer["size"] for layer in manifest["layers"]]
    assert len(config["history"]) == len(manifest["layers"]) == 2


def test_files_are_executable_and_belong_to_root(image, tmp_path, blobs):
    manifest = json.loads(blob(blobs, json.loads(blobs["index.json"])["manifests"][0]))
    (tmp_path / "layer.tar").write_bytes(blob(blobs, manifest["layers"][1]))
    with tarfile.open(tmp_path / "layer.tar") as layer:
        assert layer.getnames() == ["usr", "usr/bin", "usr/bin/hello"]
        entry = layer.getmember("usr/bin/hello")
        assert (entry.mode, entry.uid, entry.mtime) == (0o755, 0, 0)


def test_the_same_input_makes_the_same_bytes(image, tmp_path):
    oci.write(image, tmp_path / "one.tar")
    oci.write(image, tmp_path / "two.tar")
    assert (tmp_path / "one.tar").read_bytes() == (tmp_path / "two.tar").read_bytes()
    assert oci.digest_of(tmp_path / "one.tar").startswith("sha256:")


def test_an_archive_that_is_not_oci_has_no_digest(tmp_path):
    with tarfile.open(tmp_path / "docker.tar", "w") as file:
        (tmp_path / "manifest.json").write_text("[]")
        file.add(tmp_path / "manifest.json", "manifest.json")
    assert oci.digest_of(tmp_path / "docker.tar") == ""


def test_nothing_half_made_is_left(image, tmp_path):
    oci.write(image, tmp_path / "images" / "image.tar")
    assert [path.name for path in (tmp_path / "images").iterdir()] == ["image.tar"]


def test_tar_reads_it(image, tmp_path):
    oci.write(image, tmp_path / "image.tar")
    listed = subprocess.run(["tar", "-tf", tmp_path / "image.tar"], capture_output=True, text=True, check=True).stdout
    assert listed.splitlines()[:2] == ["oci-layout", "index.json"]
