"""A release: prepared in a copy of the repository, packaged, signed with a key made for it, pushed to a registry and pulled from it."""

import os
import re
import shutil
import socket
import subprocess
import time
import urllib.request

import pytest
import yaml

from support import helm

ROOT = helm.CHART.parent
NAME = "Test <release@example.com>"
PASSPHRASE = "not a secret"


def run(*command, cwd, refused=False, **env):
    """What a command says; it has to end well, unless it is expected to refuse."""
    done = subprocess.run(command, cwd=cwd, env={**os.environ, **env}, capture_output=True, text=True, check=False)
    assert bool(done.returncode) is refused, done.stdout + done.stderr
    return done.stderr if refused else done.stdout


def copied_to(folder):
    """The repository as it is now, committed in a place of its own, where a release may change it."""
    copied = folder / "steward"
    listed = run("git", "ls-files", "-z", "--cached", "--others", "--exclude-standard", cwd=ROOT).split("\0")
    for name in filter(lambda name: name and (ROOT / name).exists(), listed):
        (copied / name).parent.mkdir(parents=True, exist_ok=True)
        shutil.copy2(ROOT / name, copied / name, follow_symlinks=False)
    run("git", "init", "--quiet", cwd=copied)
    run("git", "add", "--all", cwd=copied)
    run("git", "-c", "user.name=Test", "-c", "user.email=release@example.com", "commit", "--quiet", "--message", "All", cwd=copied)
    return copied


@pytest.fixture
def copy(tmp_path):
    """A repository to change."""
    return copied_to(tmp_path)


@pytest.fixture(scope="module")
def keys(tmp_path_factory):
    """Files with a secret and its public key, as helm reads them, of a key that nobody has seen before."""
    home = tmp_path_factory.mktemp("gnupg")
    home.chmod(0o700)
    gpg = (helm.tool("gpg"), "--homedir", str(home), "--batch", "--yes", "--pinentry-mode", "loopback", "--passphrase", PASSPHRASE)
    run(*gpg, "--quick-generate-key", NAME, "ed25519", "sign", "never", cwd=home)
    run(*gpg, "--output", "secret.gpg", "--export-secret-keys", cwd=home)
    run(*gpg, "--output", "public.gpg", "--export", cwd=home)
    yield home / "secret.gpg", home / "public.gpg"
    run("gpgconf", "--homedir", str(home), "--kill", "all", cwd=home)


@pytest.fixture
def registry(tmp_path):
    """host:port of an OCI registry."""
    with socket.create_server(("127.0.0.1", 0)) as free:
        address = f"127.0.0.1:{free.getsockname()[1]}"
    with subprocess.Popen([helm.tool("crane"), "registry", "serve", "--address", address], stderr=subprocess.DEVNULL) as serving:
        until = time.monotonic() + 20
        while True:
            try:
                urllib.request.urlopen(f"http://{address}/v2/").close()
                break
            except OSError:
                assert time.monotonic() < until, "the registry does not answer"
                time.sleep(0.05)
        yield address
        serving.terminate()


@pytest.fixture(scope="module")
def packaged(tmp_path_factory, keys):
    """A signed package, in dist/ of a repository."""
    copy = copied_to(tmp_path_factory.mktemp("packaged"))
    (copy / "passphrase").write_text(f"{PASSPHRASE}\n")
    run("ci/release", "package", "--key", "Test", "--keyring", str(keys[0]), "--passphrase-file", "passphrase", cwd=copy)
    return copy / "dist" / f"steward-{yaml.safe_load((copy / 'chart' / 'Chart.yaml').read_text())['version']}.tgz"


def test_a_signed_package_is_verified_with_the_public_key(packaged, keys):
    """What users check needs nothing of ours but that key."""
    said = run("helm", "verify", "--keyring", str(keys[1]), str(packaged), cwd=packaged.parent)

    assert NAME in said


def test_a_package_that_was_changed_is_refused(packaged, keys, tmp_path):
    """The signature is over the package's digest."""
    changed = tmp_path / packaged.name
    changed.write_bytes(packaged.read_bytes() + b"\0")
    shutil.copy(f"{packaged}.prov", f"{changed}.prov")

    assert "sha256 sum does not match" in run("helm", "verify", "--keyring", str(keys[1]), str(changed), cwd=tmp_path, refused=True)


def test_what_is_pulled_from_a_registry_is_what_was_signed(packaged, keys, registry, tmp_path):
    """The signature travels with the chart, and the chart renders as the folder does."""
    run("ci/release", "push", f"oci://{registry}/charts", "--plain-http", cwd=packaged.parent.parent)
    version = packaged.name.removeprefix("steward-").removesuffix(".tgz")
    pull = ("helm", "pull", f"oci://{registry}/charts/steward", "--version", version, "--plain-http", "--verify", "--keyring", str(keys[1]))
    pulled = tmp_path / "pulled"
    pulled.mkdir()
    run(*pull, cwd=pulled)

    assert (pulled / packaged.name).read_bytes() == packaged.read_bytes()
    assert run("helm", "template", "steward", packaged.name, "--namespace", "steward", cwd=pulled) == helm.text()


def test_a_release_is_prepared_by_one_command(copy):
    """Version, changelog, annotations and README agree, and the fragments are used up."""
    fragments = [path.read_text() for path in (copy / "changes").glob("*.*.md")]
    run("ci/release", "prepare", "7.8.9", cwd=copy)

    chart = yaml.safe_load((copy / "chart" / "Chart.yaml").read_text())
    assert (chart["version"], chart["appVersion"]) == ("7.8.9", "7.8.9")
    assert '__version__ = "7.8.9"' in (copy / "app" / "steward" / "__init__.py").read_text()
    assert yaml.safe_load(chart["annotations"]["artifacthub.io/images"])[0]["image"].endswith(":7.8.9")
    changelog = " ".join((copy / "CHANGELOG.md").read_text().replace("*", "").split())
    assert fragments
    assert not [text for text in fragments if " ".join(text.replace("*", "").split()) not in changelog]
    assert len(yaml.safe_load(chart["annotations"]["artifacthub.io/changes"])) == len(fragments)
    assert [] == list((copy / "changes").glob("*.*.md"))
    for check in (("ci/changes", "--check"), ("ci/readme", "--check"), ("ci/release", "check", "v7.8.9")):
        run(*check, cwd=copy)


def test_only_what_was_prepared_is_released(copy):
    """A tag of another version, and a version without a section of the changelog."""
    version = yaml.safe_load((copy / "chart" / "Chart.yaml").read_text())["version"]

    assert f"chart/Chart.yaml says {version}" in run("ci/release", "check", "v99.0.0", cwd=copy, refused=True)
    if not re.search(rf"^## {re.escape(version)} ", (copy / "CHANGELOG.md").read_text(), re.MULTILINE):
        assert f"ci/release prepare {version}" in run("ci/release", "check", f"v{version}", cwd=copy, refused=True)


@pytest.mark.parametrize(
    ("command", "said"),
    [
        (("prepare", "1.2"), 'expected a version such as 1.2.3, got "1.2"'),
        (("package", "--key", "Test"), "--keyring: expected a readable file"),
        (("package", "--sign", "yes"), "package knows no --sign"),
        (("push", "ghcr.io/charts"), 'expected oci://REGISTRY/PATH, got "ghcr.io/charts"'),
        (("image",), "expected an image such as"),
        (("publish",), 'unknown command "publish"'),
    ],
    ids=["version", "no keyring", "unknown flag", "no oci", "no image", "unknown command"],
)
def test_wrong_use_is_refused_with_the_mend(command, said):
    """Before anything is written."""
    assert said in run("ci/release", *command, cwd=ROOT, refused=True)
