"""A certificate with the key of another one: whoever calls is shown the certificate from before, and the next that fits."""

import asyncio
import datetime as dt
import ssl

import pytest
from cryptography import x509

from steward.http import admission, pki
from steward.http.admission import AdmissionServer, Reply
from steward.http.tls import CertificateFiles
from support.managers import until
from support.rotating import HOST, World


class SignedHere:
    """Of a replica that signs its own, of which nine tenths of the first one's life are over."""

    def __init__(self, _directory, monkeypatch):
        now, self._patch = dt.datetime.now(dt.UTC), monkeypatch
        self._world = world = World("webhook-a")
        world.now = now - world.timing.leaf * 0.9
        world.lead()
        (self.certificate,) = world.leaves.values()
        self.authority = world.stored.active.certificate
        world.now = now

    def renew(self, *, fits):
        with self._patch.context() as patch:
            if not fits:
                made = pki.server
                patch.setattr(pki, "server", lambda *args, **options: pki.Pair(made(*args, **options).certificate, made(*args, **options).key))
            self._world.look()


class Mounted:
    """In two files that somebody else renews."""

    def __init__(self, directory, _monkeypatch):
        self._paths = directory / "tls.crt", directory / "tls.key"
        now = dt.datetime.now(dt.UTC)
        self._validity = pki.Validity(now - dt.timedelta(hours=1), now + dt.timedelta(days=1))
        self._issuer = pki.authority("tests", self._validity)
        self.authority = self._issuer.certificate
        self.renew(fits=True)
        self.certificate = CertificateFiles(*map(str, self._paths))

    def renew(self, *, fits):
        pair, other = (pki.server([HOST], self._validity, issuer=self._issuer) for _ in range(2))
        self._paths[0].write_text(pki.pem([pair.certificate]))
        self._paths[1].write_text((pair if fits else other).key_pem().reveal())


async def shown(server, authority):
    """The certificate by which a client that checks everything knows the server."""
    trusting = ssl.create_default_context(cadata=pki.pem([authority]))
    _, writer = await asyncio.open_connection("127.0.0.1", server.port, ssl=trusting, server_hostname=HOST)
    certificate = x509.load_der_x509_certificate(writer.get_extra_info("ssl_object").getpeercert(binary_form=True))
    writer.close()
    await writer.wait_closed()
    return certificate


@pytest.mark.parametrize("source", [SignedHere, Mounted])
async def test_a_pair_that_does_not_fit_costs_no_handshake(source, tmp_path, monkeypatch):
    """OpenSSL takes the certificate before it looks at the key, so a context that is in service must not be the one that tries."""
    monkeypatch.setattr(admission, "LINGER_SECONDS", 0.0)
    held = source(tmp_path, monkeypatch)

    async def handle(_):
        return Reply(200, b"")

    server, stopping = AdmissionServer(handle, paths=(), port=0, certificate=held.certificate), asyncio.Event()
    async with asyncio.TaskGroup() as group:
        group.create_task(server.run(stopping))
        await until(lambda: server.is_listening)
        first = await shown(server, held.authority)
        held.renew(fits=False)
        meanwhile = [await shown(server, held.authority) for _ in range(2)]
        held.renew(fits=True)
        last = await shown(server, held.authority)
        stopping.set()

    assert [first, first] == meanwhile
    assert first != last
