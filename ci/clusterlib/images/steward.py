"""Our own image, from the Dockerfile: by a Docker engine where one answers, else by buildah; cached by the hash of what goes into it."""

import hashlib
import re
from collections.abc import Iterator
from pathlib import Path

from clusterlib import lock, processes, progress, scratch
from clusterlib.errors import ClusterError
from clusterlib.images import archives, base, pip_settings
from clusterlib.node import checks
from clusterlib.paths import Paths
from clusterlib.providers import docker_answers

REPOSITORY = "ghcr.io/steward-dev/steward"
"""image.registry and image.repository of the chart's values."""

_SOURCES = ("Dockerfile", ".dockerignore", "LICENSE", "app")
_PULL_TIMEOUT_SECONDS = 600.0
_STEPS_KEPT = 200
"""Images of single steps of builds, which buildah keeps for the next. A build leaves a dozen, 14 MB each."""


class Builder:
    """Builds it once for every state of its sources."""

    def __init__(self, paths: Paths) -> None:
        self._paths = paths
        self._env = processes.environment(paths.cache)

    def ensure(self) -> Path:
        """The archive, built when it is not cached. Raises: ClusterError when nothing here can build, or the build fails."""
        reference = f"{REPOSITORY}:{_version(self._paths)}"
        archive = self._paths.images / f"steward-{context_hash(self._paths.repository, reference)}.tar"
        with lock.hold(self._paths.images / "steward.lock", "building our image"):
            if archive.exists():
                progress.say(f"image {reference} is cached")
                return archives.keep(archive, "steward-*.tar")
            half_made = scratch.directory(self._paths) / "steward.tar"
            if docker_answers(self._paths):
                self._build_with_docker(reference, half_made)
            else:
                self._build_with_buildah(reference, half_made)
            return archives.keep(half_made.rename(archive), "steward-*.tar")

    def _build_with_docker(self, reference: str, archive: Path) -> None:
        with progress.step(f"building image {reference} with Docker", f"built image {reference}"):
            self._run_program("docker", "build", "--tag", reference, *self._arguments(), self._paths.repository)
            self._run_program("docker", "save", "--output", archive, reference)

    def _build_with_buildah(self, reference: str, archive: Path) -> None:
        if problems := checks.missing_programs(checks.IMAGE_PROGRAMS, self._env):
            raise ClusterError(f"no image can be built: no Docker engine answers, and {problems[0][0]}", f"Start Docker, or {problems[0][1]}")
        image, what = self._base()
        with progress.step(f"building image {reference} with buildah on {what}", f"built image {reference}"):
            mounts = pip_settings.volumes(scratch.directory(self._paths), self._env)
            options = [
                "--isolation",
                "chroot",
                "--layers",
                "--pull-never",
                "--identity-label=false",
                "--build-arg",
                f"BASE_IMAGE={image}",
                *self._arguments(),
            ]
            self._buildah("build", *options, *mounts, "--tag", reference, self._paths.repository)
            self._buildah("push", "--quiet", "--disable-compression", reference, f"oci-archive:{archive}:{reference}")
            if len(self._buildah("images", "--all", "--quiet").split()) > _STEPS_KEPT:
                self._buildah("rmi", "--prune")

    def _base(self) -> tuple[str, str]:
        """A name buildah has for the base image, and what it is."""
        if base.registry_answers():
            try:
                return self._buildah("pull", "--quiet", base.OFFICIAL, timeout=_PULL_TIMEOUT_SECONDS).strip(), base.OFFICIAL
            except ClusterError as error:
                progress.say(f"{base.OFFICIAL} cannot be pulled: {error.reason}")
        archive = base.ensure(self._paths, self._env)
        return self._buildah(
            "pull", "--quiet", f"oci-archive:{archive}"
        ).strip(), f"Debian's Python 3.13 in place of {base.OFFICIAL}, which no registry gives"

    def _arguments(self) -> list[str]:
        """Of the Dockerfile's own build arguments; the commit is the last one that touched what the image is made of."""
        arguments = {"VERSION": _version(self._paths)}
        if (self._paths.repository / ".git").exists():
            log = processes.run(["git", "log", "-1", "--format=%H %cI", "--", *_SOURCES], env=self._env, cwd=self._paths.repository).split()
            changed = processes.run(["git", "status", "--porcelain", "--", *_SOURCES], env=self._env, cwd=self._paths.repository)
            if log:
                arguments.update(REVISION=log[0] + ("-dirty" if changed else ""), CREATED=log[1])
        return [word for name, value in arguments.items() for word in ("--build-arg", f"{name}={value}")]

    def _buildah(self, *arguments: str | Path, timeout: float | None = None) -> str:
        """With its storage in the cache, and in namespaces of its own: it mounts its storage, and a killed one must leave no mount."""
        storage: list[str | Path] = [
            "--root",
            self._paths.cache / "buildah",
            "--runroot",
            scratch.directory(self._paths) / "buildah",
            "--storage-driver",
            "overlay",
        ]
        return processes.run(
            [*processes.CONFINED, "buildah", *storage, *arguments],
            env=self._env,
            timeout=timeout,
            mend=f"If its storage is broken, remove {self._paths.cache}/buildah",
        )

    def _run_program(self, *command: str | Path) -> None:
        processes.run(command, env=self._env)


def context_hash(repository: Path, reference: str) -> str:
    """Of everything that goes into the image: the files, the base's recipe, the name it gets."""
    digest = hashlib.sha256(f"{base.RECIPE} {reference}".encode())
    for path in sorted(_files(repository)):
        digest.update(str(path.relative_to(repository)).encode() + b"\0" + path.read_bytes() + b"\0")
    return digest.hexdigest()[:12]


def _files(repository: Path) -> Iterator[Path]:
    """The files the builder is sent: those .dockerignore lets through, which is a list of what is in rather than of what is out."""
    yield from (path for path in (repository / "Dockerfile", repository / ".dockerignore") if path.exists())
    for line in (repository / ".dockerignore").read_text().splitlines():
        admitted = repository / line.removeprefix("!")
        if line.startswith("!") and admitted.is_file():
            yield admitted
        elif line.startswith("!"):
            yield from (path for path in admitted.rglob("*") if path.is_file() and "__pycache__" not in path.parts)


def _version(paths: Paths) -> str:
    chart = paths.repository / "chart" / "Chart.yaml"
    found = re.search(r'^appVersion:\s*"?([^"\s]+)"?\s*$', chart.read_text() if chart.exists() else "", re.MULTILINE)
    if not found:
        raise ClusterError(f"{chart} has no appVersion", "It is the tag of the image")
    return found[1]
