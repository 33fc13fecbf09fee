"""The machine's way to a package index, for the time of a build: mounted while pip runs, never part of the image."""

import configparser
import os
from collections.abc import Mapping
from pathlib import Path

OPTIONS = ("index-url", "extra-index-url", "trusted-host", "proxy", "timeout", "retries")
"""What decides whence packages come. Others are the user's habits, or name files that the build does not have."""

_FILES = ("/etc/pip.conf", "/etc/xdg/pip/pip.conf", "~/.pip/pip.conf", "~/.config/pip/pip.conf")
"""In the order pip reads them; later ones win (pip.pypa.io/en/stable/topics/configuration)."""

_BUNDLES = ("/etc/ssl/certs/ca-certificates.crt", "/etc/pki/tls/certs/ca-bundle.crt", "/etc/ssl/cert.pem")
_BUNDLE_IN_IMAGE = "/etc/ssl/certs/ca-certificates.crt"
"""It exists in every Debian image, so mounting over it leaves no trace."""

_HOME_IN_IMAGE = "/root"
"""Where pip looks too. It exists in every image, as /etc/pip.conf does not: a mount would leave an empty file of that name behind."""


def read(environment: Mapping[str, str], files: tuple[str, ...] = _FILES) -> dict[str, str]:
    """The settings in force on this machine."""
    found: dict[str, str] = {}
    for name in (*files, environment.get("PIP_CONFIG_FILE", "")):
        parser = configparser.RawConfigParser()
        if name and name != os.devnull:
            parser.read(Path(name).expanduser())
        if parser.has_section("global"):
            found.update({option: parser.get("global", option) for option in OPTIONS if parser.has_option("global", option)})
    variables = {option: environment.get(f"PIP_{option.replace('-', '_').upper()}", "") for option in OPTIONS}
    return {**found, **{option: value for option, value in variables.items() if value}}


def volumes(directory: Path, environment: Mapping[str, str]) -> list[str]:
    """Arguments for buildah that make them hold during a build; `directory` keeps the file until then."""
    lines = [f"{option} = {_continued(value)}" for option, value in read(environment).items()]
    home = directory / "home"
    file = home / ".config" / "pip" / "pip.conf"
    file.parent.mkdir(parents=True, mode=0o700)
    file.touch(mode=0o600)
    file.write_text("\n".join(["[global]", f"cert = {_BUNDLE_IN_IMAGE}", *lines]) + "\n")
    mounts = ["--volume", f"{home}:{_HOME_IN_IMAGE}"]
    bundle = next(
        (path for path in (environment.get("PIP_CERT", ""), environment.get("SSL_CERT_FILE", ""), *_BUNDLES) if path and Path(path).is_file()), None
    )
    return [*mounts, "--volume", f"{Path(bundle).resolve()}:{_BUNDLE_IN_IMAGE}:ro"] if bundle else mounts


def _continued(value: str) -> str:
    """A value of several lines keeps them, indented as the format wants."""
    return "\n    ".join(value.strip().splitlines())
