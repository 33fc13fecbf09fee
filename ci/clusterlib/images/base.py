"""A stand-in for python:3.13-slim where no registry can be reached: Debian trixie with its Python 3.13 and pip, shaped like the official image."""

import hashlib
import shutil
import ssl
import urllib.error
import urllib.request
from collections.abc import Mapping
from pathlib import Path

from clusterlib import lock, processes, progress, scratch
from clusterlib.errors import ClusterError
from clusterlib.images import archives, oci
from clusterlib.paths import Paths

OFFICIAL = "docker.io/library/python:3.13-slim"
"""What the Dockerfile begins with, spelled out: buildah knows no default registry."""

_REGISTRY = "https://registry-1.docker.io/v2/"
_REGISTRY_TIMEOUT_SECONDS = 5.0
_MIRROR = "http://deb.debian.org/debian"
_SUITE = "trixie"
_PACKAGES = "python3,python3-pip,ca-certificates"
_UNWANTED = ("/usr/share/man/*", "/usr/share/locale/*", "/usr/share/doc/*")
_CUSTOMIZE = (
    'rm -f "$1"/usr/lib/python3.13/EXTERNALLY-MANAGED; ln -sf /usr/bin/python3 "$1"/usr/local/bin/python; ln -sf /usr/bin/pip3 "$1"/usr/local/bin/pip'
)
_CONFIG = {"Env": ["PATH=/usr/local/bin:/usr/local/sbin:/usr/sbin:/usr/bin:/sbin:/bin", "LANG=C.UTF-8"], "Cmd": ["python3"]}

RECIPE = hashlib.sha256(repr((OFFICIAL, _SUITE, _PACKAGES, _UNWANTED, _CUSTOMIZE, _CONFIG)).encode()).hexdigest()[:12]
"""Changes when the base changes; part of the hash of every image on it."""


def registry_answers() -> bool:
    """Whether Docker Hub can be reached: it asks every anonymous caller for a token, which a proxy's error page does not."""
    try:
        urllib.request.urlopen(_REGISTRY, timeout=_REGISTRY_TIMEOUT_SECONDS, context=ssl.create_default_context()).close()
    except urllib.error.HTTPError as error:
        return error.code == 401 and error.headers.get("WWW-Authenticate", "").startswith("Bearer ")
    except OSError:
        return False
    return True


def ensure(paths: Paths, env: Mapping[str, str]) -> Path:
    """The stand-in as an OCI archive, made when it is not cached (about 45 s)."""
    archive = paths.images / f"base-{RECIPE}.tar"
    with lock.hold(paths.images / "base.lock", "making the base image"):
        if not archive.exists():
            with progress.step("making a base image from Debian packages", "made the base image"):
                tree = scratch.directory(paths) / "base.tar"
                _debootstrap(tree, env)
                oci.write(oci.Image(f"localhost/steward-base:{RECIPE}", layers=[tree], config=_CONFIG), archive)
                tree.unlink()
        return archives.keep(archive, "base-*.tar")


def _debootstrap(target: Path, env: Mapping[str, str]) -> None:
    unwanted = [f"--dpkgopt=path-exclude={pattern}" for pattern in _UNWANTED]
    options = [
        "--variant=minbase",
        "--mode=root",
        f"--include={_PACKAGES}",
        '--aptopt=APT::Install-Recommends "false"',
        *unwanted,
        f"--customize-hook={_CUSTOMIZE}",
    ]
    command: list[str | Path] = [*processes.CONFINED, "mmdebstrap", "--quiet", *options, _SUITE, target, _mirror(env)]
    processes.run(command, env=env, mend="Check that the Debian mirror answers: `apt-get update`")


def _mirror(env: Mapping[str, str]) -> str:
    """The machine's own mirror where it is a Debian machine, else the project's."""
    is_debian = any(line.strip() == "ID=debian" for line in Path("/etc/os-release").read_text().splitlines())
    if not is_debian or shutil.which("apt-get", path=env["PATH"]) is None:
        return _MIRROR
    try:
        listed = processes.run(["apt-get", "indextargets", "--format", "$(REPO_URI)", "Created-By: Packages"], env=env).split()
    except ClusterError:
        return _MIRROR
    return next((uri for uri in sorted(set(listed)) if "security" not in uri), _MIRROR)
