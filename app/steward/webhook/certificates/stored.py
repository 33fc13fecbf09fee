"""What stands in the Secret, read and written. Everything a rotation knows is there: who takes over reads it and goes on.

``ca.crt``: the authority that signs, then former ones that are still trusted. ``ca.key``: the key of the first. ``next.crt``, ``next.key``: the
authority that will sign. ``switched``: when the present one began to. ``retired``: fingerprints that the last drain took away.
Each replica says in an annotation which certificate it shows.
"""

from __future__ import annotations

import datetime as dt
import hashlib
from collections.abc import Iterable, Mapping
from typing import Annotated

import msgspec
from cryptography import x509

from steward.http import pki
from steward.runtime.resource import Struct
from steward.telemetry.secret import Secret
from steward.webhook.certificates.model import KubeSecret, decoded, encoded

CA, CA_KEY, NEXT, NEXT_KEY, SWITCHED, RETIRED = "ca.crt", "ca.key", "next.crt", "next.key", "switched", "retired"

LEAF_ANNOTATION = "leaf.steward.dev/"
"""Prefix of the annotations in which replicas say what they show; the name of the pod follows."""

Moment = Annotated[dt.datetime, msgspec.Meta(tz=True)]
NEVER = dt.datetime.min.replace(tzinfo=dt.UTC)


class Shown(Struct, frozen=True):
    """What a replica shows to the API server.

    Attributes:
        authority: Fingerprint of who signed it.
        leaf: Fingerprint of the certificate.
        until: When it ends.
        since: When it was swapped in.
    """

    authority: str = ""
    leaf: str = ""
    until: Moment = NEVER
    since: Moment = NEVER


class Stored(msgspec.Struct, frozen=True):
    """What a Secret says.

    Attributes:
        active: Who signs; None where there is none, or its key is missing or that of another.
        next: Who will sign, likewise.
        former: Authorities that are trusted besides.
        switched: When the present one began to sign.
        retired: Fingerprints of authorities that were trusted and shall not be again.
        shown: What the replicas show, by the key of their annotation.
        problem: Why there is no active authority; empty where there is one, or never was anything.
    """

    active: pki.Pair | None = None
    next: pki.Pair | None = None
    former: tuple[x509.Certificate, ...] = ()
    switched: dt.datetime | None = None
    retired: frozenset[str] = frozenset()
    shown: Mapping[str, Shown] = {}
    problem: str = ""

    @property
    def trusted(self) -> tuple[x509.Certificate, ...]:
        """All authorities that the configuration shall trust, each once."""
        pairs = (pair.certificate for pair in (self.active, self.next) if pair is not None)
        return tuple(dict.fromkeys((*pairs, *self.former)))


def read(secret: KubeSecret) -> Stored:
    """What a Secret says. Nothing in it is an error: what cannot be used counts as absent, and ``problem`` says so."""
    text = {key: decoded(value.reveal()) for key, value in secret.data.items()}
    authorities, problem = _certificates(text.get(CA, ""), CA)
    active, former = None, authorities
    if authorities:
        try:
            active, former = pki.read_pair(authorities[0], Secret(text.get(CA_KEY, ""))), authorities[1:]
        except pki.Unusable as error:
            problem = f"{CA_KEY}: {error}"
    elif not problem and secret.data:
        problem = f"{CA}: empty"
    return Stored(
        active,
        _next(text),
        former,
        _time(text.get(SWITCHED, "")),
        frozenset(text.get(RETIRED, "").split()),
        dict(_shown(secret.metadata.annotations)),
        problem,
    )


def written(stored: Stored) -> dict[str, Secret | None]:
    """The ``data`` of a merge patch that makes a Secret say this; None takes a key away."""
    authorities = (*((stored.active.certificate,) if stored.active else ()), *stored.former)
    return {
        CA: _value(pki.pem(dict.fromkeys(authorities))),
        CA_KEY: _key(stored.active),
        NEXT: _value(pki.pem([stored.next.certificate])) if stored.next else None,
        NEXT_KEY: _key(stored.next),
        SWITCHED: _value(stored.switched.isoformat()) if stored.switched else None,
        RETIRED: _value("\n".join(sorted(stored.retired))) if stored.retired else None,
    }


def annotation(pod: str) -> str:
    """The annotation of a replica. A pod's name may be longer than the 63 characters an annotation's may have."""
    return LEAF_ANNOTATION + (pod if len(pod) <= 63 else f"{pod[:46]}-{hashlib.sha256(pod.encode()).hexdigest()[:16]}")


def said(shown: Shown) -> str:
    """The value of the annotation."""
    return msgspec.json.encode(shown).decode()


def _certificates(text: str, key: str) -> tuple[tuple[x509.Certificate, ...], str]:
    try:
        return pki.read_certificates(text), ""
    except pki.Unusable as error:
        return (), f"{key}: {error}"


def _next(text: Mapping[str, str]) -> pki.Pair | None:
    certificates, _ = _certificates(text.get(NEXT, ""), NEXT)
    if len(certificates) != 1:
        return None
    try:
        return pki.read_pair(certificates[0], Secret(text.get(NEXT_KEY, "")))
    except pki.Unusable:
        return None


def _time(text: str) -> dt.datetime | None:
    try:
        found = dt.datetime.fromisoformat(text)
    except ValueError:
        return None
    return found if found.tzinfo is not None else None


def _shown(annotations: Mapping[str, str]) -> Iterable[tuple[str, Shown]]:
    for key, value in annotations.items():
        if key.startswith(LEAF_ANNOTATION):
            try:
                yield key, msgspec.json.decode(value, type=Shown)
            except (msgspec.DecodeError, UnicodeDecodeError):
                yield key, Shown()


def _key(pair: pki.Pair | None) -> Secret | None:
    return _value(pair.key_pem().reveal()) if pair is not None else None


def _value(text: str) -> Secret:
    return Secret(encoded(text))
