"""X.509 without files, clock or network: authorities, the certificates they sign, and whether one would be believed.

Importing it costs 10 MB and a tenth of a second (``cryptography``), so who may not need it imports it late.
"""

from __future__ import annotations

import binascii
import datetime as dt
import ipaddress
import ssl
import tempfile
from collections.abc import Iterable, Sequence
from typing import NamedTuple

from cryptography import x509
from cryptography.exceptions import UnsupportedAlgorithm
from cryptography.hazmat.primitives import hashes, serialization
from cryptography.hazmat.primitives.asymmetric import ec
from cryptography.x509 import verification
from cryptography.x509.oid import ExtendedKeyUsageOID, NameOID

from steward.http.tls import server_context
from steward.telemetry.secret import Secret

CURVE = ec.SECP256R1()
"""P-256: a fifth more handshakes a second than RSA-2048, and every TLS library has it."""


class Unusable(ValueError):
    """Text that is no certificate or key, or a key of another certificate. The message holds nothing of either."""


class Pair(NamedTuple):
    """A certificate and its private key."""

    certificate: x509.Certificate
    key: ec.EllipticCurvePrivateKey

    def key_pem(self) -> Secret:
        """The key, as PKCS #8 without a password."""
        form = (serialization.Encoding.PEM, serialization.PrivateFormat.PKCS8, serialization.NoEncryption())
        return Secret(self.key.private_bytes(*form).decode())


class Validity(NamedTuple):
    """From when to when a certificate holds."""

    start: dt.datetime
    end: dt.datetime


def authority(name: str, validity: Validity) -> Pair:
    """A new authority that signs servers' certificates and no further authorities; its key and its serial number are random."""
    key = ec.generate_private_key(CURVE)
    builder = (
        _builder(_named(name), _named(name), key, validity)
        .add_extension(x509.BasicConstraints(ca=True, path_length=0), critical=True)
        .add_extension(_usage("key_cert_sign", "crl_sign"), critical=True)
    )
    return Pair(builder.sign(key, hashes.SHA256()), key)


def server(hosts: Sequence[str], validity: Validity, *, issuer: Pair | None = None) -> Pair:
    """A new certificate for a server.

    Args:
        hosts: DNS names and IP addresses; the first is also the common name.
        validity: When it holds; never longer than its issuer.
        issuer: Who signs it; itself when None.
    """
    key = ec.generate_private_key(CURVE)
    subject = _named(hosts[0])
    signer = issuer.key if issuer is not None else key
    if issuer is not None:
        validity = Validity(validity.start, min(validity.end, issuer.certificate.not_valid_after_utc))
    builder = (
        _builder(subject, issuer.certificate.subject if issuer is not None else subject, key, validity)
        .add_extension(x509.BasicConstraints(ca=False, path_length=None), critical=True)
        .add_extension(_usage("digital_signature"), critical=True)
        .add_extension(x509.ExtendedKeyUsage([ExtendedKeyUsageOID.SERVER_AUTH]), critical=False)
        .add_extension(x509.SubjectAlternativeName([_general(host) for host in hosts]), critical=False)
        .add_extension(x509.AuthorityKeyIdentifier.from_issuer_public_key(signer.public_key()), critical=False)
    )
    return Pair(builder.sign(signer, hashes.SHA256()), key)


def fingerprint(certificate: x509.Certificate) -> str:
    """SHA-256 of the certificate, hexadecimal, as ``openssl x509 -fingerprint -sha256`` has it without colons."""
    return certificate.fingerprint(hashes.SHA256()).hex()


def pem(certificates: Iterable[x509.Certificate]) -> str:
    """One PEM block after the other."""
    return "".join(certificate.public_bytes(serialization.Encoding.PEM).decode() for certificate in certificates)


def read_certificates(text: str) -> tuple[x509.Certificate, ...]:
    """All certificates of a PEM text, each once; none in an empty one.

    Raises:
        Unusable: Something in it is no certificate.
    """
    if not text.strip():
        return ()
    try:
        return tuple(dict.fromkeys(x509.load_pem_x509_certificates(text.encode())))
    except (ValueError, UnicodeEncodeError) as error:
        raise Unusable("no PEM certificate") from error


def read_pair(certificate: x509.Certificate, key: Secret) -> Pair:
    """A certificate with its key.

    Raises:
        Unusable: The key is none, or that of another certificate.
    """
    try:
        found = serialization.load_pem_private_key(key.reveal().encode(), password=None)
    except (ValueError, TypeError, binascii.Error, UnsupportedAlgorithm):
        # Without its cause, which may quote the text.
        raise Unusable("no PEM private key") from None
    if not isinstance(found, ec.EllipticCurvePrivateKey) or found.public_key() != certificate.public_key():
        raise Unusable("the private key is that of another certificate")
    return Pair(certificate, found)


def distrust(certificate: x509.Certificate, host: str, authorities: Sequence[x509.Certificate], now: dt.datetime) -> str:
    """Why a client that trusts these authorities would not believe that this is the server's certificate; empty if it would (RFC 5280)."""
    if not authorities:
        return "no authority is trusted"
    policy = verification.PolicyBuilder().store(verification.Store(list(authorities))).time(now)
    try:
        policy.build_server_verifier(_subject(host)).verify(certificate, [])
    except verification.VerificationError as error:
        return str(error)
    return ""


def hosts_of(certificate: x509.Certificate) -> set[str]:
    """The DNS names and IP addresses a certificate is for."""
    try:
        names = certificate.extensions.get_extension_for_class(x509.SubjectAlternativeName).value
    except x509.ExtensionNotFound:
        return set()
    return {*names.get_values_for_type(x509.DNSName), *map(str, names.get_values_for_type(x509.IPAddress))}


def context(pair: Pair) -> ssl.SSLContext:
    """A new context that shows this certificate. OpenSSL reads files only, so the key passes through one in /tmp, which a pod has in memory.

    Raises:
        Unusable: OpenSSL does not take the pair.
    """
    made = server_context()
    with tempfile.NamedTemporaryFile() as file:
        file.write(pair.key_pem().reveal().encode() + pem([pair.certificate]).encode())
        file.flush()
        try:
            made.load_cert_chain(file.name)
        except ssl.SSLError as error:
            raise Unusable(error.reason or "not taken") from error
    return made


def _builder(subject: x509.Name, issuer: x509.Name, key: ec.EllipticCurvePrivateKey, validity: Validity) -> x509.CertificateBuilder:
    return (
        x509.CertificateBuilder()
        .subject_name(subject)
        .issuer_name(issuer)
        .public_key(key.public_key())
        .serial_number(x509.random_serial_number())
        .not_valid_before(validity.start)
        .not_valid_after(validity.end)
        .add_extension(x509.SubjectKeyIdentifier.from_public_key(key.public_key()), critical=False)
    )


def _named(name: str) -> x509.Name:
    # 64 characters are all that a common name takes (RFC 5280, ub-common-name); clients read the alternative names.
    return x509.Name([x509.NameAttribute(NameOID.COMMON_NAME, name[:64])])


def _usage(*uses: str) -> x509.KeyUsage:
    known = ("digital_signature", "content_commitment", "key_encipherment", "data_encipherment", "key_agreement", "key_cert_sign", "crl_sign")
    return x509.KeyUsage(**{use: use in uses for use in known}, encipher_only=False, decipher_only=False)


def _general(host: str) -> x509.GeneralName:
    try:
        return x509.IPAddress(ipaddress.ip_address(host))
    except ValueError:
        return x509.DNSName(host)


def _subject(host: str) -> x509.DNSName | x509.IPAddress:
    general = _general(host)
    assert isinstance(general, x509.DNSName | x509.IPAddress), "one of the two"
    return general
