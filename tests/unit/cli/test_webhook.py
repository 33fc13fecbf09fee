"""``steward webhook``: files for an installation whose certificates are made by hand."""

import os
import stat
from datetime import UTC, datetime, timedelta

import pytest
from cryptography import x509

from steward.http import pki
from steward.telemetry.secret import Secret

CALL = ("webhook", "cert-generate", "--service-name", "steward-webhook", "--namespace", "ops")
FILES = {"ca.crt": 0o644, "tls.crt": 0o644, "tls.key": 0o600}


def pair(directory):
    """The certificate, its key and the authority, as they were written."""
    (authority,) = pki.read_certificates((directory / "ca.crt").read_text())
    (leaf,) = pki.read_certificates((directory / "tls.crt").read_text())
    return authority, pki.read_pair(leaf, Secret((directory / "tls.key").read_text()))


def test_the_files_are_a_certificate_that_the_api_server_believes(steward, tmp_path):
    code, out, _ = steward(*CALL, "--output-dir", tmp_path / "new" / "certs", "--ip-san", "10.0.0.1", "--ip-san", "fd00:0::1")
    directory = tmp_path / "new" / "certs"
    authority, leaf = pair(directory)

    assert (0, [str(directory / name) for name in FILES]) == (code, out.split())
    for host in ("steward-webhook.ops.svc", "steward-webhook.ops.svc.cluster.local", "steward-webhook", "10.0.0.1", "fd00::1"):
        assert "" == pki.distrust(leaf.certificate, host, [authority], datetime.now(UTC))


def test_nobody_else_may_read_the_key(steward, tmp_path):
    former = os.umask(0)
    try:
        steward(*CALL, "--output-dir", tmp_path)
    finally:
        os.umask(former)

    assert FILES == {path.name: stat.S_IMODE(path.stat().st_mode) for path in tmp_path.iterdir()}


def test_the_authority_cannot_sign_another(steward, tmp_path):
    """Its key is nowhere; and it signs servers, not authorities."""
    steward(*CALL, "--output-dir", tmp_path)
    authority, leaf = pair(tmp_path)

    assert authority.public_key() != leaf.key.public_key()
    assert 0 == authority.extensions.get_extension_for_class(x509.BasicConstraints).value.path_length


def test_it_is_valid_as_long_as_asked_for(steward, tmp_path):
    steward(*CALL, "--output-dir", tmp_path, "--days", "30")
    left = pair(tmp_path)[1].certificate.not_valid_after_utc - datetime.now(UTC)

    assert timedelta(days=30, minutes=-5) < left <= timedelta(days=30)


@pytest.mark.parametrize("there", FILES)
def test_what_is_there_is_overwritten_only_if_asked_for(steward, tmp_path, there):
    (tmp_path / there).write_text("mine")
    code, _, said = steward(*CALL, "--output-dir", tmp_path)
    assert (1, {there}) == (code, {path.name for path in tmp_path.iterdir()})
    assert there in said
    assert "--force" in said

    assert 0 == steward(*CALL, "--output-dir", tmp_path, "--force")[0]
    pair(tmp_path)


@pytest.mark.parametrize(
    ("options", "expected", "said"),
    [
        (("--ip-san", "10.0.0"), 2, "--ip-san 10.0.0: no IP address"),
        (("--service-name", "Web_hook"), 2, '--service-name: "Web_hook" is not the name of a Service'),
        (("--namespace", "a/b"), 2, '--namespace: "a/b" is not a namespace'),
        (("--output-dir", "/proc/nowhere"), 1, "--output-dir /proc/nowhere: cannot be written"),
        (("--days", "0"), 2, "--days"),
    ],
    ids=["address", "service", "namespace", "directory", "days"],
)
def test_wrong_input_is_one_line_that_names_the_option(steward, tmp_path, options, expected, said):
    code, _, line = steward(*CALL, "--output-dir", tmp_path, *options)

    assert expected == code
    assert said in line
    assert 1 == len(line.splitlines())


def test_the_commands_say_who_serves(steward):
    assert "steward run webhook" in steward("webhook", "--help")[1]
