"""A certificate authority for one test, made by openssl."""

import os
import ssl
import subprocess
from pathlib import Path

_SETTINGS = """
[req]
distinguished_name = subject
[subject]
[ca]
basicConstraints = critical, CA:TRUE
keyUsage = critical, keyCertSign
subjectKeyIdentifier = hash
[server]
basicConstraints = critical, CA:FALSE
extendedKeyUsage = serverAuth
subjectAltName = {names}
authorityKeyIdentifier = keyid
[client]
basicConstraints = critical, CA:FALSE
extendedKeyUsage = clientAuth
authorityKeyIdentifier = keyid
"""


class Authority:
    """Signs certificates for two days, in one directory.

    Args:
        directory: Where the files are: ``ca.crt``, ``NAME.crt``, ``NAME.key``.
        names: What servers are called, as openssl.cnf has it.
    """

    def __init__(self, directory: Path, *, names: str = "IP:127.0.0.1, DNS:localhost") -> None:
        self.directory = directory
        directory.mkdir(exist_ok=True)
        self.ca = directory / "ca.crt"
        (directory / "openssl.cnf").write_text(_SETTINGS.format(names=names))
        self._openssl("req", "-x509", *_new_key("ca"), "-subj", "/CN=tests", "-days", "2", "-extensions", "ca", out="ca.crt")

    def issue(self, name: str, subject: str, *, usage: str) -> None:
        """Make a key and a certificate; usage is ``server`` or ``client``."""
        self._openssl("req", *_new_key(name), "-subj", subject, out=f"{name}.csr")
        self._openssl(
            "x509", "-req", "-in", f"{name}.csr", "-CA", "ca.crt", "-CAkey", "ca.key", "-CAcreateserial", "-days", "2",
            "-extfile", "openssl.cnf", "-extensions", usage, out=f"{name}.crt",
        )  # fmt: skip

    def key(self, name: str) -> None:
        """Make an RSA key alone."""
        self._openssl("genrsa", out=name)

    def server(self) -> ssl.SSLContext:
        """The TLS settings of a server with a fresh certificate of this authority."""
        self.issue("server", "/CN=server", usage="server")
        context = ssl.SSLContext(ssl.PROTOCOL_TLS_SERVER)
        context.load_cert_chain(self.directory / "server.crt", self.directory / "server.key")
        return context

    def _openssl(self, *arguments: str, out: str) -> None:
        asked = ["openssl", *arguments, "-out", out]
        environment = {**os.environ, "OPENSSL_CONF": "openssl.cnf"}
        done = subprocess.run(asked, cwd=self.directory, capture_output=True, text=True, check=False, env=environment)
        if done.returncode:
            raise RuntimeError(f"{' '.join(asked)}: {done.stderr}")


def _new_key(name: str) -> list[str]:
    return ["-newkey", "ec", "-pkeyopt", "ec_paramgen_curve:prime256v1", "-nodes", "-keyout", f"{name}.key"]
