"""TLS of a port: certificates, their renewal, and what becomes of bad ones."""

import datetime as dt
import shutil
import socket
import ssl
import threading
from pathlib import Path

import pytest
from cryptography import x509

from steward.http import self_signed
from steward.http.self_signed import SelfSigned
from steward.http.tls import CertificateFiles, CertificateUnreadable
from support.certificates import Authority


@pytest.fixture(scope="module")
def authority(tmp_path_factory):
    authority = Authority(tmp_path_factory.mktemp("authority"))
    for name in ("first", "second"):
        authority.issue(name, f"/CN={name}", usage="server")
    return authority


@pytest.fixture
def mounted(authority, tmp_path):
    """Mount a certificate as the kubelet does, in place of the one before: files behind a link that is swapped. Gives the paths."""

    def mounted(name, key=None):
        generation = tmp_path / f"..{len(list(tmp_path.iterdir()))}"
        generation.mkdir()
        shutil.copy(authority.directory / f"{name}.crt", generation / "tls.crt")
        shutil.copy(authority.directory / f"{key or name}.key", generation / "tls.key")
        link = tmp_path / "..new"
        link.symlink_to(generation.name)
        link.rename(tmp_path / "..data")
        for file in ("tls.crt", "tls.key"):
            if not (tmp_path / file).is_symlink():
                (tmp_path / file).symlink_to(f"..data/{file}")
        return str(tmp_path / "tls.crt"), str(tmp_path / "tls.key")

    return mounted


def shown(certificate):
    """The certificate that a client meets, with the version of TLS and the protocol."""
    ours, theirs = socket.socketpair()
    client = ssl.SSLContext(ssl.PROTOCOL_TLS_CLIENT)
    client.check_hostname, client.verify_mode = False, ssl.CERT_NONE
    client.set_alpn_protocols(["h2", "http/1.1"])
    server = threading.Thread(target=lambda: certificate.context().wrap_socket(ours, server_side=True).close())
    server.start()
    with client.wrap_socket(theirs) as connection:
        server.join()
        return x509.load_der_x509_certificate(connection.getpeercert(binary_form=True)), connection.version(), connection.selected_alpn_protocol()


def name_of(certificate):
    return shown(certificate)[0].subject.rfc4514_string()


def test_a_renewed_certificate_is_shown_to_the_next_client(mounted):
    files = CertificateFiles(*mounted("first"))
    before = name_of(files)
    mounted("second")

    assert ("CN=first", "CN=second") == (before, name_of(files))


def test_a_renewal_that_cannot_be_used_leaves_the_one_before_and_is_logged_once(mounted, caplog):
    caplog.set_level("INFO")
    files = CertificateFiles(*mounted("first"))
    mounted("second", key="first")
    seen = [name_of(files), name_of(files)]
    mounted("second")

    assert ["CN=first", "CN=first", "CN=second"] == [*seen, name_of(files)]
    assert ["certificate not renewed, the one before stays", "certificate renewed"] == [record.getMessage() for record in caplog.records]


@pytest.mark.parametrize(
    ("break_it", "said"),
    [
        (lambda _, key: Path(key).unlink(), "tls.key: cannot be read: No such file or directory."),
        (lambda cert, _: Path(cert).write_text(""), "tls.key: not a PEM certificate and its private key"),
    ],
    ids=["missing", "empty"],
)
def test_a_file_that_cannot_be_used_is_said_before_anything_starts(mounted, break_it, said):
    cert, key = mounted("first")
    break_it(cert, key)

    with pytest.raises(CertificateUnreadable, match=said):
        CertificateFiles(cert, key)


def test_http2_is_not_offered_and_old_tls_refused(mounted):
    files = CertificateFiles(*mounted("first"))

    assert ("TLSv1.3", "http/1.1") == shown(files)[1:]
    assert ssl.TLSVersion.TLSv1_2 == files.context().minimum_version


def test_a_certificate_of_our_own_is_made_once_and_anew_in_time(monkeypatch):
    clock = [0.0]
    monkeypatch.setattr(self_signed.time, "monotonic", lambda: clock[0])
    certificate = SelfSigned()
    first = shown(certificate)[0]
    clock[0] = (self_signed.VALID_DAYS * self_signed.RENEWED_AFTER - 1) * 86400
    same = shown(certificate)[0]
    clock[0] += 2 * 86400
    renewed = shown(certificate)[0]

    assert first.serial_number == same.serial_number != renewed.serial_number
    assert dt.timedelta(days=self_signed.VALID_DAYS) <= first.not_valid_after_utc - first.not_valid_before_utc
    assert [x509.DNSName(socket.gethostname()), x509.DNSName("localhost")] == list(
        first.extensions.get_extension_for_class(x509.SubjectAlternativeName).value
    )
