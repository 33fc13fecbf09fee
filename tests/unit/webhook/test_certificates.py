"""The component's certificates as a whole: from an empty namespace to a server that is believed, on a fake API server."""

import asyncio
import datetime as dt
import ssl

import msgspec
import pytest

from steward.http import pki
from steward.http.tls import CertificateUnreadable
from steward.runtime.component import Component
from steward.webhook import certificates
from steward.webhook.certificates.files import from_files
from steward.webhook.certificates.leaf import Leaf
from steward.webhook.certificates.model import trusted
from steward.webhook.certificates.own import hosts, rotated
from steward.webhook.certificates.timing import TIMING
from steward.webhook.config import Config, Serving
from support.fakeapi import FakeAPI
from support.managers import Running
from support.rotating import HOST, START, World

SECRET, CONFIGURATION = "steward-webhook-certificates", "steward-webhook"
EXPIRY, NOT_BEFORE, ROTATIONS = (
    f"kube_devops_webhook_certificate_{name}" for name in ("expiry_timestamp_seconds", "not_before_timestamp_seconds", "rotations_total")
)


class Webhook:
    """A process of the webhook, as far as its certificates go."""

    def __init__(self, *, configured: bool = True, serving: Serving | None = None) -> None:
        self.api = FakeAPI()
        if configured:
            self.configure()
        endpoint = {"addresses": ["10.0.0.1"], "targetRef": {"kind": "Pod", "name": "webhook-a"}}
        self.api.add(
            {
                "apiVersion": "discovery.k8s.io/v1", "kind": "EndpointSlice", "addressType": "IPv4", "endpoints": [endpoint], "ports": [],
                "metadata": {"name": "a", "namespace": "default", "labels": {"kubernetes.io/service-name": "steward-webhook"}},
            }
        )  # fmt: skip

        def build(context):
            self.certificate = rotated(context)
            return ()

        component = Component(
            "webhook", "", Config, certificates.RIGHTS, certificates.metrics.ALL, certificates.reasons.ALL, build, elects_leader=False
        )
        self.running = Running(
            self.api, Config(serving=serving or Serving()), component=component, identity="webhook-a_1", instance="default.steward-webhook"
        )

    def configure(self) -> None:
        """Install the configuration, as helm does."""
        hooks = [{"name": f"{name}.webhook.steward.dev", "clientConfig": {}} for name in ("pods", "workloads")]
        kind = {"apiVersion": "admissionregistration.k8s.io/v1", "kind": "ValidatingWebhookConfiguration"}
        self.api.add(kind | {"metadata": {"name": CONFIGURATION}, "webhooks": hooks})

    @property
    def said(self) -> str:
        """What the readiness probe says."""
        return self.running.manager._readiness().reason


@pytest.fixture
async def webhook():
    """One that is ready, and has said what it shows."""
    webhook = Webhook()
    webhook.running.start()
    await webhook.running.ready()
    await webhook.running.until(lambda: webhook.api.get("secrets", f"default/{SECRET}")["metadata"].get("annotations"))
    yield webhook
    await webhook.running.kill()


pytestmark = pytest.mark.looptime


async def test_what_the_configuration_trusts_signed_what_the_server_shows(webhook):
    secret = webhook.api.get("secrets", f"default/{SECRET}")

    assert {secret["data"]["ca.crt"]} == {
        hook["clientConfig"]["caBundle"] for hook in webhook.api.all("validatingwebhookconfigurations")[0]["webhooks"]
    }
    assert "Opaque" == secret["type"]
    assert ["leaf.steward.dev/webhook-a"] == list(secret["metadata"]["annotations"])
    assert isinstance(webhook.certificate.context(), ssl.SSLContext)
    assert webhook.said.startswith("leaf ")


async def test_the_ca_bundle_is_the_only_field_that_is_taken(webhook):
    (configuration,) = webhook.api.all("validatingwebhookconfigurations")
    (ours,) = [entry for entry in configuration["metadata"]["managedFields"] if entry["manager"] == "steward-webhook-certs"]

    assert {".", "f:name", "f:clientConfig"} == set(ours["fieldsV1"]["f:webhooks"]['k:{"name":"pods.webhook.steward.dev"}'])
    assert {"f:caBundle": {}} == ours["fieldsV1"]["f:webhooks"]['k:{"name":"pods.webhook.steward.dev"}']["f:clientConfig"]


async def test_nothing_is_written_in_a_steady_state(webhook):
    before = webhook.api.requests("write secrets"), webhook.api.requests("write validatingwebhookconfigurations")
    await asyncio.sleep(3600)

    assert before == (webhook.api.requests("write secrets"), webhook.api.requests("write validatingwebhookconfigurations"))


async def test_all_requests_are_for_the_one_secret_and_the_one_configuration(webhook):
    """RBAC by name lets nothing else through."""
    for plural, name in (("secrets", SECRET), ("validatingwebhookconfigurations", CONFIGURATION)):
        for seen in webhook.api.seen(plural):
            assert name in (seen.target.name, seen.query.get("fieldSelector", "").removeprefix("metadata.name="))
    assert 0 == webhook.api.requests("create secrets")


async def test_the_ends_of_both_certificates_are_measured(webhook):
    now = dt.datetime.now(dt.UTC)
    for name, life in (("leaf", TIMING.leaf), ("ca", TIMING.authority)):
        assert (now + life).timestamp() == pytest.approx(webhook.running.sample(EXPIRY, certificate=name), abs=60)
        assert (now - TIMING.skew).timestamp() == pytest.approx(webhook.running.sample(NOT_BEFORE, certificate=name), abs=60)
    steps = {step: webhook.running.sample(ROTATIONS, step=step) for step in ("bootstrap", "rotate", "spread", "switch", "drain", "leaf")}
    assert {"bootstrap": 1, "rotate": 0, "spread": 1, "switch": 0, "drain": 0, "leaf": 1} == steps


async def test_keys_are_in_no_log_metric_event_or_configuration(caplog):
    caplog.set_level("DEBUG")
    webhook = Webhook()
    webhook.running.start()
    await webhook.running.ready()
    data = webhook.api.get("secrets", f"default/{SECRET}")["data"]
    await webhook.running.kill()
    shown = caplog.text + webhook.running.manager.recent_events().decode() + str([*webhook.running.registry.collect()])
    shown += str(webhook.api.all("validatingwebhookconfigurations"))

    assert "WebhookAuthorityCreated" in shown
    assert "PRIVATE KEY" not in shown
    assert data["ca.key"][64:128] not in shown


async def test_a_replica_that_is_not_believed_any_more_stays_ready_and_says_so(webhook):
    """Taken from the Service it would come back later than the repair, which here takes as long as the API server refuses it."""
    webhook.api.answer(500, match="write validatingwebhookconfigurations")
    entries = [{"name": f"{name}.webhook.steward.dev", "clientConfig": {"caBundle": ""}} for name in ("pods", "workloads")]
    webhook.api.merge("validatingwebhookconfigurations", f"/{CONFIGURATION}", {"webhooks": entries})
    await webhook.running.until(lambda: "would not believe" in webhook.said)

    assert webhook.running.manager.is_ready


async def test_a_replica_is_not_ready_before_it_is_believed():
    webhook = Webhook()
    webhook.api.answer(500, match="write validatingwebhookconfigurations")
    webhook.running.start()
    await webhook.running.until(lambda: "would not believe" in webhook.said)
    assert not webhook.running.manager.is_ready

    webhook.api.heal()
    await webhook.running.ready()
    await webhook.running.kill()


async def test_where_nothing_tells_anybody_to_call_a_certificate_is_enough():
    """After `kubectl delete validatingwebhookconfiguration`, in an emergency, pods must still be able to start."""
    webhook = Webhook(configured=False)
    webhook.running.start()
    await webhook.running.ready()
    webhook.configure()
    await webhook.running.until(lambda: webhook.running.sample(ROTATIONS, step="spread"))
    await webhook.running.kill()


async def test_without_rights_in_the_whole_cluster_no_configuration_is_waited_for():
    """rbac.scope=namespace: there is none, and it may not be looked at."""
    webhook = Webhook(serving=Serving(configuration_name=""))
    webhook.api.deny("validatingwebhookconfigurations")
    webhook.running.start()
    await webhook.running.ready()
    assert 0 == webhook.api.requests("validatingwebhookconfigurations")
    await webhook.running.kill()


def test_there_is_no_context_before_there_is_a_certificate():
    with pytest.raises(CertificateUnreadable):
        Leaf([HOST], TIMING).context()


def test_a_pair_that_does_not_fit_is_never_in_service(monkeypatch):
    """What is in service is exchanged whole or not at all: a context that once got such a pair has no key any more."""
    world = World("webhook-a")
    world.lead()
    (leaf,) = world.leaves.values()
    before, made = leaf.held, pki.server
    monkeypatch.setattr(pki, "server", lambda *args, **options: pki.Pair(made(*args, **options).certificate, made(*args, **options).key))
    world.now += TIMING.leaf * 0.9
    world.look()

    assert before is leaf.held


def test_a_certificate_of_an_untrusted_authority_is_not_shown():
    """The Secret says more than the configuration: somebody wrote into it, or our cache of the configuration is behind."""
    world = World("webhook-a")
    world.lead()
    (leaf,) = world.leaves.values()
    before, stranger = leaf.held, pki.authority("webhook.ops", TIMING.validity(START, TIMING.authority))
    leaf.look(msgspec.structs.replace(world.stored, active=stranger), world.configuration, world.now)

    assert before is leaf.held
    assert "" == leaf.doubt


def test_a_service_is_called_by_all_of_its_names():
    assert ("web.ops.svc", "web.ops", "web", "web.ops.svc.cluster.local") == hosts("web", "ops", "cluster.local")


@pytest.mark.parametrize("delay", [30, 59])
def test_api_servers_that_hear_of_a_configuration_late_believe_every_certificate(delay):
    """One that lags behind by half a minute, or by nearly the whole minute that is waited."""
    world = World("webhook-a", "webhook-b")
    world.lead()
    while world.stored.next is None:
        world.after(2 * dt.timedelta(days=1))
    heard: list[tuple[dt.datetime, object]] = [(world.now - dt.timedelta(seconds=delay), world.configuration)]
    for _ in range(200):
        world.now += dt.timedelta(seconds=1)
        world.lead()
        heard.append((world.now, world.configuration))
        (*_, late) = (one for at, one in heard if (world.now - at).total_seconds() >= delay)
        for leaf in world.leaves.values():
            assert "" == pki.distrust(leaf.held.certificate, HOST, trusted(late.webhooks[0]), world.now)

    assert "switch" in world.steps


async def test_the_end_of_a_mounted_certificate_is_measured_and_follows_the_file(tmp_path):
    paths = [tmp_path / name for name in ("tls.crt", "tls.key")]

    def renew(days: int) -> float:
        now = dt.datetime.now(dt.UTC)
        pair = pki.server([HOST], pki.Validity(now, now + dt.timedelta(days=days)))
        paths[0].write_text(pki.pem([pair.certificate]))
        paths[1].write_text(pair.key_pem().reveal())
        return pair.certificate.not_valid_after_utc.timestamp()

    end = renew(10)

    def build(context):
        from_files(context)
        return ()

    serving = Serving(tls_mode="files", tls_cert_file=str(paths[0]), tls_private_key_file=str(paths[1]))
    component = Component("webhook", "", Config, (), certificates.metrics.ALL, (), build, elects_leader=False)
    running = Running(FakeAPI(), Config(serving=serving), component=component)
    running.start()
    await running.until(lambda: running.sample(EXPIRY, certificate="leaf"))
    assert end == running.sample(EXPIRY, certificate="leaf")

    assert renew(20) == running.sample(EXPIRY, certificate="leaf")
    await running.kill()
