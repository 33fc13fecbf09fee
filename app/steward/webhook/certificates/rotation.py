"""How an authority is replaced without one refused call: what is stored, what is trusted and what is shown, in; one write, out. Pure.

Stable → Rotate: the next authority is made and stored → Spread: the configuration trusts both, read back, for a minute → Switch: the next one
signs → Drain: the former one is trusted until every ready replica shows a certificate of the new one, a day at least → Stable.

Each look asks for one write at most, and where to go on is read from what is stored, so whoever leads next goes on. The configuration always trusts
whoever may have signed what a replica shows: what is missing there is repaired before anything else, and what it trusts beyond what we know stays for
a drain.
"""

from __future__ import annotations

import datetime as dt
from collections.abc import Callable, Mapping, Sequence
from typing import Any, NamedTuple

import msgspec
from cryptography import x509

from steward.http import pki
from steward.http.pki import fingerprint
from steward.runtime.plan import Apply, Create, Event, Patch, Plan, Reason, Reference
from steward.runtime.resource import ChildMeta, Key
from steward.webhook.certificates import reasons
from steward.webhook.certificates.model import (
    CONFIGURATIONS,
    INSTANCE_LABEL,
    MANAGED_BY,
    MANAGED_BY_LABEL,
    MANAGER,
    SECRETS,
    ClientConfig,
    KubeSecret,
    Webhook,
    WebhookConfiguration,
    encoded,
    trusted,
)
from steward.webhook.certificates.stored import Stored, annotation, read, written
from steward.webhook.certificates.timing import Timing

BOOTSTRAP, ROTATE, SPREAD, SWITCH, DRAIN = "bootstrap", "rotate", "spread", "switch", "drain"
STEPS = (BOOTSTRAP, ROTATE, SPREAD, SWITCH, DRAIN)
"""What a look can do; the words of the metric."""


class Situation(msgspec.Struct, frozen=True):
    """All that one decision rests on.

    Attributes:
        key: Of the Secret.
        instance: Which installation we are: the label by which the Secret is ours.
        authority: What authorities are called.
        secret: The Secret, or None.
        configuration: The configuration of the webhook, or None.
        ready: Names of the pods that the Service sends calls to.
        trusted_for: Fingerprints of the authorities that every entry of the configuration trusts, and since how long we saw it so.
        fresh: An authority that nobody has seen yet, should one be needed.
        now: Wall clock.
        timing: Lives and waits.
    """

    key: Key
    instance: str
    authority: str
    secret: KubeSecret | None
    configuration: WebhookConfiguration | None
    ready: frozenset[str]
    trusted_for: Mapping[str, dt.timedelta]
    fresh: pki.Pair
    now: dt.datetime
    timing: Timing

    def alive(self, certificates: Sequence[x509.Certificate]) -> tuple[x509.Certificate, ...]:
        """Those that have not expired."""
        return tuple(one for one in certificates if self.now < one.not_valid_after_utc)

    def signs(self, pair: pki.Pair | None) -> pki.Pair | None:
        """The pair, unless it has expired."""
        return pair if pair is not None and self.alive([pair.certificate]) else None

    def live(self) -> tuple[x509.Certificate, ...]:
        """The authorities that any entry of the configuration trusts and that have not expired."""
        entries = self.configuration.webhooks if self.configuration is not None else ()
        return self.alive(tuple(dict.fromkeys(one for entry in entries for one in trusted(entry))))

    def strangers(self, stored: Stored) -> tuple[x509.Certificate, ...]:
        """What the configuration trusts and we know nothing of."""
        return tuple(one for one in self.live() if one not in stored.trusted and fingerprint(one) not in stored.retired)


class Decision(NamedTuple):
    """What to do.

    Attributes:
        step: Which step of a rotation it is; empty when it is none.
        plan: The writes.
    """

    step: str
    plan: Plan


Fact = Callable[[Situation, KubeSecret, Stored], Decision | None]


def decide(situation: Situation) -> Decision:
    """What is to be done now; the first fact that asks for something decides."""
    secret = situation.secret
    if secret is None:
        return Decision("", Plan(actions=(Create(SECRETS, shell(situation), named=True),)))
    if not is_ours(secret, situation.instance):
        return Decision("", Plan(events=(_foreign(situation, secret),), skip="foreign Secret"))
    stored = read(secret)
    found = (fact(situation, secret, stored) for fact in FACTS)
    return next((decision for decision in found if decision is not None), Decision("", Plan(skip="stable")))


def shell(situation: Situation) -> KubeSecret:
    """The Secret without an authority. What is in it is written by its version alone, so of two leaders one wins."""
    labels = {MANAGED_BY_LABEL: MANAGED_BY, INSTANCE_LABEL: situation.instance}
    return KubeSecret(metadata=ChildMeta(name=situation.key.name, namespace=situation.key.namespace, labels=labels), type="Opaque")


def is_ours(secret: KubeSecret, instance: str) -> bool:
    """Proof of ownership."""
    labels = secret.metadata.labels
    has_labels = labels.get(MANAGED_BY_LABEL) == MANAGED_BY and labels.get(INSTANCE_LABEL) == instance
    return has_labels and secret.type == "Opaque" and secret.metadata.controller is None


def authority_is_unusable(situation: Situation, secret: KubeSecret, stored: Stored) -> Decision | None:
    """Nobody can sign. While replicas still show what the configuration trusts, a new authority goes all the way; else it signs at once."""
    if situation.signs(stored.active) is not None:
        return None
    successor = situation.signs(stored.next)
    former = tuple(dict.fromkeys((*situation.alive(stored.former), *situation.strangers(stored))))
    wanted = Stored(former=former, switched=situation.now, retired=stored.retired)
    if situation.ready and any(one in situation.live() for one in former):
        if successor is not None and set(former) == set(stored.former):
            return None
        wanted = msgspec.structs.replace(wanted, next=successor or situation.fresh)
        note = f"No authority could sign ({stored.problem or 'it has expired'}); a new one will, once it is trusted."
        return Decision(ROTATE, _store(situation, secret, wanted, reasons.RENEWING, note))
    wanted = msgspec.structs.replace(wanted, active=successor or situation.fresh)
    note = f"Made a certificate authority{f' ({stored.problem})' if stored.problem else ''}."
    return Decision(BOOTSTRAP, _store(situation, secret, wanted, reasons.CREATED, note))


def strangers_are_trusted(situation: Situation, secret: KubeSecret, stored: Stored) -> Decision | None:
    """The configuration trusts who may have signed what some replica shows, as after a change of mode: they stay for a drain."""
    strangers = situation.strangers(stored)
    if not strangers:
        return None
    wanted = msgspec.structs.replace(stored, former=(*stored.former, *strangers), switched=situation.now)
    return Decision("", _store(situation, secret, wanted, reasons.KEPT, "Kept an authority that the configuration trusts beside our own."))


def bundle_differs(situation: Situation, _secret: KubeSecret, stored: Stored) -> Decision | None:
    """The configuration does not trust exactly whom it should: because of the last step, or because somebody changed it."""
    configuration = situation.configuration
    wanted = situation.alive(stored.trusted)
    if configuration is None or not configuration.webhooks or all(set(trusted(entry)) == set(wanted) for entry in configuration.webhooks):
        return None
    bundle = ClientConfig(ca_bundle=encoded(pki.pem(wanted)))
    desired = WebhookConfiguration(
        metadata=ChildMeta(name=configuration.metadata.name, resource_version=configuration.metadata.resource_version),
        webhooks=tuple(Webhook(name=entry.name, client_config=bundle) for entry in configuration.webhooks),
    )
    # It is the chart's object; the field is ours.
    action = Apply(CONFIGURATIONS, configuration, desired, owned=lambda _: True, manager=MANAGER)
    return Decision(SPREAD, Plan(actions=(action,)))


def next_is_spreading(situation: Situation, secret: KubeSecret, stored: Stored) -> Decision | None:
    """The next authority signs once every API server has had the time to hear of it."""
    if stored.next is None:
        return None
    left = situation.timing.spread - situation.trusted_for.get(fingerprint(stored.next.certificate), dt.timedelta())
    if situation.signs(stored.next) is None:
        return Decision("", _store(situation, secret, msgspec.structs.replace(stored, next=None)))
    if left > dt.timedelta():
        return Decision("", Plan(requeue_after=left.total_seconds(), skip="spreading"))
    former = (*((stored.active.certificate,) if stored.active is not None else ()), *stored.former)
    wanted = msgspec.structs.replace(stored, active=stored.next, next=None, former=former, switched=situation.now)
    return Decision(SWITCH, _store(situation, secret, wanted, reasons.SWITCHED, "The next certificate authority signs now."))


def authority_is_due(situation: Situation, secret: KubeSecret, stored: Stored) -> Decision | None:
    """The authority is old, or it was made for another name or with another kind of key."""
    assert stored.active is not None, "usable"
    certificate = stored.active.certificate
    is_as_wanted = certificate.subject == situation.fresh.certificate.subject and isinstance(stored.active.key.curve, type(pki.CURVE))
    if is_as_wanted and not situation.timing.is_due(certificate, situation.now):
        return None
    wanted = msgspec.structs.replace(stored, next=situation.fresh)
    return Decision(ROTATE, _store(situation, secret, wanted, reasons.RENEWING, "Made the next certificate authority."))


def former_are_done(situation: Situation, secret: KubeSecret, stored: Stored) -> Decision | None:
    """Former authorities go when they have expired; or when nobody shows what they signed, and nobody can who was away for a day."""
    if not stored.former:
        return None
    kept = situation.alive(stored.former)
    if stored.switched is None:
        return Decision("", _store(situation, secret, msgspec.structs.replace(stored, switched=situation.now)))
    if _is_confirmed(situation, stored) and situation.now - stored.switched >= situation.timing.drain:
        kept = ()
    if kept == stored.former:
        return None
    gone = frozenset(fingerprint(one) for one in stored.former if one not in kept)
    wanted = msgspec.structs.replace(stored, former=kept, retired=gone)
    return Decision(DRAIN, _store(situation, secret, wanted, reasons.RETIRED, "A former certificate authority is not trusted any more."))


def words_are_old(situation: Situation, secret: KubeSecret, stored: Stored) -> Decision | None:
    """What pods said that are not there any more. Only a pod that is ready says something, so nobody repeats what goes here."""
    ready = {annotation(pod) for pod in situation.ready}
    old = [key for key, shown in stored.shown.items() if key not in ready and situation.now - shown.since > situation.timing.forgotten]
    if not old:
        return None
    return Decision("", Plan(actions=(_patch(situation, secret, {"metadata": {"annotations": dict.fromkeys(old)}}),)))


FACTS: tuple[Fact, ...] = (
    authority_is_unusable,
    strangers_are_trusted,
    bundle_differs,
    next_is_spreading,
    authority_is_due,
    former_are_done,
    words_are_old,
)


def _is_confirmed(situation: Situation, stored: Stored) -> bool:
    """Whether every ready replica shows a certificate of the active authority. Where none is ready, nobody says so."""
    if stored.active is None or not situation.ready:
        return False
    active = fingerprint(stored.active.certificate)
    shown = (stored.shown.get(annotation(pod)) for pod in situation.ready)
    return all(one is not None and one.authority == active for one in shown)


def _store(situation: Situation, secret: KubeSecret, wanted: Stored, reason: Reason | None = None, note: str = "") -> Plan:
    done = None
    if reason is not None and situation.configuration is not None:
        regarding = Reference.to(CONFIGURATIONS, situation.configuration.metadata)
        done = Event(regarding, reason, note, "RotateCertificates")
    return Plan(actions=(_patch(situation, secret, {"data": written(wanted)}, done),))


def _patch(situation: Situation, secret: KubeSecret, fields: Mapping[str, Any], done: Event | None = None) -> Patch[KubeSecret]:
    return Patch(SECRETS, secret, fields, owned=lambda found: is_ours(found, situation.instance), done=done)


def _foreign(situation: Situation, secret: KubeSecret) -> Event:
    note = (
        f"The Secret {situation.key} is not of this installation and was left alone. Delete it, or set components.webhook.tls.mode to another mode."
    )
    return Event(Reference.to(SECRETS, secret.metadata), reasons.FOREIGN_SECRET, note, "RotateCertificates")
