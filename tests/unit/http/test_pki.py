"""Certificates as clients see them: made, read and checked, in part by openssl itself."""

import datetime as dt
import subprocess

import pytest
from cryptography import x509
from cryptography.hazmat.primitives.asymmetric import rsa

from steward.http import pki
from steward.telemetry.secret import Secret

NOW = dt.datetime(2026, 11, 21, 12, tzinfo=dt.UTC)
YEAR = pki.Validity(NOW - dt.timedelta(hours=1), NOW + dt.timedelta(days=365))
WEEK = pki.Validity(NOW - dt.timedelta(hours=1), NOW + dt.timedelta(days=7))
HOSTS = ("webhook.ops.svc", "webhook", "10.0.0.1")


@pytest.fixture(scope="module")
def authority():
    return pki.authority("webhook.ops", YEAR)


@pytest.fixture(scope="module")
def leaf(authority):
    return pki.server(HOSTS, WEEK, issuer=authority)


@pytest.mark.parametrize("host", HOSTS)
def test_a_client_that_trusts_the_authority_believes_every_name(authority, leaf, host):
    assert "" == pki.distrust(leaf.certificate, host, [authority.certificate], NOW)


@pytest.mark.parametrize(
    ("host", "days", "trusted"),
    [("other.ops.svc", 0, True), ("10.0.0.2", 0, True), ("webhook", 8, True), ("webhook", -1, True), ("webhook", 0, False)],
    ids=["another name", "another address", "expired", "not yet valid", "another authority"],
)
def test_a_client_does_not_believe(authority, leaf, host, days, trusted):
    roots = [authority.certificate if trusted else pki.authority("webhook.ops", YEAR).certificate]

    assert pki.distrust(leaf.certificate, host, roots, NOW + dt.timedelta(days=days))


def test_nobody_believes_without_an_authority(leaf):
    assert "no authority is trusted" == pki.distrust(leaf.certificate, "webhook", [], NOW)


def test_two_authorities_in_one_bundle_are_told_apart_although_they_have_one_name(authority, leaf):
    """What a rotation rests on; openssl has to think so too."""
    other = pki.authority("webhook.ops", YEAR)

    for bundle in ([authority, other], [other, authority]):
        assert "" == pki.distrust(leaf.certificate, "webhook", [one.certificate for one in bundle], NOW)


def test_openssl_believes_it_too(tmp_path):
    """Of the real clock, because the API server and curl have it."""
    now = dt.datetime.now(dt.UTC)
    life = pki.Validity(now - dt.timedelta(hours=1), now + dt.timedelta(days=7))
    others, authority = pki.authority("webhook.ops", life), pki.authority("webhook.ops", life)
    (tmp_path / "ca").write_text(pki.pem([others.certificate, authority.certificate]))
    (tmp_path / "leaf").write_text(pki.pem([pki.server(HOSTS, life, issuer=authority).certificate]))

    checked = ["openssl", "verify", "-x509_strict", "-purpose", "sslserver", "-verify_hostname", "webhook.ops.svc", "-CAfile"]
    done = subprocess.run([*checked, tmp_path / "ca", tmp_path / "leaf"], capture_output=True, text=True, check=False)

    assert (0, "") == (done.returncode, done.stderr)


def test_serial_numbers_are_random_and_keys_are_identified(authority, leaf):
    again = pki.authority("webhook.ops", YEAR)
    signer = leaf.certificate.extensions.get_extension_for_class(x509.AuthorityKeyIdentifier).value.key_identifier

    assert 1 << 64 < abs(again.certificate.serial_number - authority.certificate.serial_number)
    assert signer == authority.certificate.extensions.get_extension_for_class(x509.SubjectKeyIdentifier).value.digest


def test_a_certificate_never_outlives_its_authority(authority):
    long = pki.server(HOSTS, pki.Validity(NOW, NOW + dt.timedelta(days=900)), issuer=authority)

    assert authority.certificate.not_valid_after_utc == long.certificate.not_valid_after_utc


def test_a_pair_survives_being_written_down(leaf):
    (read,) = pki.read_certificates(pki.pem([leaf.certificate]))

    assert leaf.certificate == pki.read_pair(read, leaf.key_pem()).certificate
    assert set(HOSTS) == pki.hosts_of(read)


def test_a_bundle_names_each_certificate_once(authority, leaf):
    twice = pki.pem([authority.certificate, leaf.certificate, authority.certificate])

    assert (authority.certificate, leaf.certificate) == pki.read_certificates(twice)
    assert () == pki.read_certificates(" \n")


@pytest.mark.parametrize("text", ["rubbish", "-----BEGIN CERTIFICATE-----\nAAAA\n-----END CERTIFICATE-----\n", "\N{SNOWMAN}"])
def test_rubbish_is_no_certificate(text):
    with pytest.raises(pki.Unusable):
        pki.read_certificates(text)


def test_a_key_that_does_not_belong_is_refused_and_not_shown(leaf, authority):
    strange = pki.Pair(leaf.certificate, rsa.generate_private_key(65537, 2048))
    shown = authority.key_pem().reveal()
    for key in (authority.key_pem(), strange.key_pem(), Secret(shown[:-80]), Secret("rubbish"), Secret("")):
        with pytest.raises(pki.Unusable) as caught:
            pki.read_pair(leaf.certificate, key)
        assert "BEGIN" not in str(caught.value)
        assert caught.value.__cause__ is None
