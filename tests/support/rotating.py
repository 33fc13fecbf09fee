"""A Secret, a configuration and replicas as plain values, on a clock that the test moves: what a rotation decides, carried out at once."""

import datetime as dt
from collections.abc import Iterable
from typing import Any

import msgspec

from steward.http import pki
from steward.http.pki import fingerprint
from steward.runtime.plan import Apply, Create, Patch
from steward.runtime.resource import ChildMeta, Key
from steward.telemetry.secret import Secret
from steward.webhook.certificates.leaf import Leaf
from steward.webhook.certificates.model import ClientConfig, KubeSecret, Webhook, WebhookConfiguration, encoded, trusted
from steward.webhook.certificates.rotation import Decision, Situation, decide
from steward.webhook.certificates.stored import annotation, read, said
from steward.webhook.certificates.timing import Timing

START = dt.datetime(2026, 11, 21, 12, tzinfo=dt.UTC)
BRIEF = Timing(authority=dt.timedelta(days=40))
"""As in production, but for a life that a test need not go through in a hundred steps."""
HOST = "webhook.ops.svc"
SECOND, MINUTE, HOUR, DAY = dt.timedelta(seconds=1), dt.timedelta(minutes=1), dt.timedelta(hours=1), dt.timedelta(days=1)


class World:
    """What there is at the API server, the replicas, and what a leader remembers.

    Attributes:
        steps: The steps that were taken, in order.
        writes: How many writes there were.
    """

    def __init__(self, *pods: str, hooks: Iterable[str] = ("pods", "workloads"), timing: Timing = BRIEF) -> None:
        self.now = START
        self.timing = timing
        self.secret: KubeSecret | None = None
        self.configuration: WebhookConfiguration | None = WebhookConfiguration(
            metadata=ChildMeta(name="webhook"), webhooks=tuple(Webhook(name=name) for name in hooks)
        )
        self.leaves = {pod: Leaf([HOST], timing) for pod in pods}
        self.ready = frozenset(pods)
        self.steps: list[str] = []
        self.writes = 0
        self._since: dict[str, dt.datetime] = {}

    @property
    def stored(self):
        """What the Secret says."""
        return read(self.secret or KubeSecret())

    def bundles(self) -> list[set[str]]:
        """Fingerprints of what each entry of the configuration trusts."""
        return [{fingerprint(one) for one in trusted(entry)} for entry in self.configuration.webhooks]

    def trust(self, *pairs: pki.Pair, entries: Iterable[int] = (0, 1)) -> None:
        """As another manager would: write these authorities into entries of the configuration."""
        bundle = ClientConfig(ca_bundle=encoded(pki.pem(pair.certificate for pair in pairs)) if pairs else "")
        hooks = [msgspec.structs.replace(one, client_config=bundle) if i in entries else one for i, one in enumerate(self.configuration.webhooks)]
        self.configuration = msgspec.structs.replace(self.configuration, webhooks=tuple(hooks))
        self._watch()

    def change(self, **data: str | None) -> None:
        """As anybody may: change keys of the Secret, given as ``ca_crt``; None takes one away."""
        changed = {key.replace("_", "."): None if text is None else Secret(encoded(text)) for key, text in data.items()}
        self._merge({"data": changed})

    def forget(self) -> None:
        """Another replica leads: what the former one saw and when is gone."""
        self._since = {}
        self._watch()

    def decide(self) -> Decision:
        """What a leader would do now."""
        self._watch()
        return decide(
            Situation(
                key=Key("ops", "webhook-certificates"),
                instance="ops.webhook",
                authority="webhook.ops",
                secret=self.secret,
                configuration=self.configuration,
                ready=self.ready,
                trusted_for={one: self.now - since for one, since in self._since.items()},
                fresh=pki.authority("webhook.ops", self.timing.validity(self.now, self.timing.authority)),
                now=self.now,
                timing=self.timing,
            )
        )

    def lead(self, *, limit: int = 20) -> list[str]:
        """Do what is decided until nothing is; each replica looks after each write. The notes of the Events."""
        notes: list[str] = []
        for _ in range(limit):
            decision = self.decide()
            notes += [event.reason.name for event in decision.plan.events]
            if not decision.plan.actions:
                return notes
            notes += self.carry_out(decision)
            self.look()
        raise AssertionError(f"no end of writes: {self.steps}")

    def carry_out(self, decision: Decision) -> list[str]:
        """Write what was decided; the reasons of the Events."""
        (action,) = decision.plan.actions
        self.writes += 1
        if decision.step:
            self.steps.append(decision.step)
        match action:
            case Create():
                assert self.secret is None
                self.secret = action.desired
            case Patch():
                assert action.owned(self.secret)
                self._merge(action.fields)
            case Apply():
                self._apply(action.desired)
        self._watch()
        return [action.done.reason.name] if action.done is not None else []

    def look(self) -> None:
        """Every replica looks, and says what it shows if it is ready."""
        for pod, leaf in self.leaves.items():
            leaf.look(self.stored, self.configuration, self.now)
            shown = leaf.shown
            if self.secret is not None and shown is not None and pod in self.ready and self.stored.shown.get(annotation(pod)) != shown:
                self._merge({"metadata": {"annotations": {annotation(pod): said(shown)}}})

    def refused(self) -> dict[str, str]:
        """The replicas whose certificate an API server would not believe, with why."""
        doubts = {
            pod: next(
                (why for entry in self.configuration.webhooks if (why := pki.distrust(leaf.held.certificate, HOST, trusted(entry), self.now))), ""
            )
            for pod, leaf in self.leaves.items()
            if pod in self.ready and leaf.held is not None
        }
        return {pod: why for pod, why in doubts.items() if why}

    def after(self, time: dt.timedelta, *, step: dt.timedelta | None = None) -> None:
        """Let time pass, with a look of everybody every now and then; nobody is refused on the way."""
        end = self.now + time
        while self.now < end:
            self.now = min(end, self.now + (step or time))
            self.look()
            self.lead()
            assert {} == self.refused(), self.now

    def _apply(self, desired: WebhookConfiguration) -> None:
        given = {entry.name: entry for entry in desired.webhooks}
        hooks = tuple(given.get(entry.name, entry) for entry in self.configuration.webhooks)
        self.configuration = msgspec.structs.replace(self.configuration, webhooks=hooks)

    def _merge(self, fields: dict[str, Any]) -> None:
        secret = self.secret
        data = {key: value for key, value in {**secret.data, **fields.get("data", {})}.items() if value is not None}
        noted = {**secret.metadata.annotations, **fields.get("metadata", {}).get("annotations", {})}
        meta = msgspec.structs.replace(secret.metadata, annotations={key: value for key, value in noted.items() if value is not None})
        self.secret = msgspec.structs.replace(secret, data=data, metadata=meta)

    def _watch(self) -> None:
        known = self.bundles() if self.configuration is not None else []
        common = set.intersection(*known) if known else set()
        self._since = {one: self._since.get(one, self.now) for one in common}
