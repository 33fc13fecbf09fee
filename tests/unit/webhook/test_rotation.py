"""How the authority is replaced: each step, whatever state it is found in, and never a certificate that is not believed."""

import datetime as dt

import msgspec
import pytest

from steward.http import pki
from steward.http.pki import fingerprint
from steward.runtime.resource import ChildMeta, OwnerReference
from steward.telemetry.secret import Secret
from steward.webhook.certificates.model import KubeSecret, encoded
from steward.webhook.certificates.stored import annotation, read, written
from steward.webhook.certificates.timing import TIMING
from support.rotating import BRIEF, DAY, HOUR, MINUTE, SECOND, START, World

PODS = ("webhook-a", "webhook-b")


def an_authority(now=START):
    return pki.authority("webhook.ops", TIMING.validity(now, TIMING.authority))


@pytest.fixture
def world():
    """A webhook that serves."""
    world = World(*PODS)
    world.lead()
    return world


@pytest.fixture
def rotating(world):
    """One whose next authority is stored and trusted, and signs nothing yet."""
    while world.stored.next is None:
        world.after(2 * DAY)
    return world


def active(world) -> str:
    return fingerprint(world.stored.active.certificate)


# The way of a rotation.


def test_the_first_authority_signs_at_once():
    """Nobody can be refused who is not called yet."""
    world = World(*PODS)
    told = world.lead()

    assert ["bootstrap", "spread"] == world.steps
    assert ["WebhookAuthorityCreated"] == told
    assert {} == world.refused()
    assert [{active(world)}] * 2 == world.bundles()


def test_an_authority_that_is_not_due_is_left_as_it_is(world):
    writes = world.writes
    world.after(BRIEF.authority * 2 / 3 - DAY, step=2 * DAY)

    assert writes == world.writes


def test_a_year_and_a_half_in_order():
    """Twice through; nobody is refused at any look, and in the end one authority is trusted."""
    world = World(*PODS, timing=TIMING)
    world.lead()
    first = active(world)
    world.after(500 * DAY, step=2 * DAY)

    assert ["bootstrap", "spread", *["rotate", "spread", "switch", "drain", "spread"] * 2] == world.steps
    assert first != active(world)
    assert [{active(world)}] * 2 == world.bundles()


def test_the_next_authority_is_trusted_before_it_signs(rotating):
    former = active(rotating)

    assert ["rotate", "spread"] == rotating.steps[2:]
    assert [{former, fingerprint(rotating.stored.next.certificate)}] * 2 == rotating.bundles()
    assert {former} == {fingerprint(leaf.held.authority) for leaf in rotating.leaves.values()}


def test_it_signs_after_the_configuration_was_seen_to_trust_it_for_a_minute(rotating):
    coming = fingerprint(rotating.stored.next.certificate)
    rotating.after(59 * SECOND)
    assert coming != active(rotating)

    rotating.after(1 * SECOND)
    assert coming == active(rotating)
    assert {coming} == {fingerprint(leaf.held.authority) for leaf in rotating.leaves.values()}


@pytest.mark.parametrize("forget", [lambda world: world.trust(world.stored.active, entries=[1]), World.forget], ids=["a write", "another leader"])
def test_the_minute_begins_anew_when_the_configuration_forgets_it(rotating, forget):
    """And when another replica takes over: its clock may be another, and it has not seen it."""
    rotating.after(50 * SECOND)
    forget(rotating)
    rotating.lead()
    rotating.after(59 * SECOND)
    assert rotating.stored.next is not None

    rotating.after(SECOND)
    assert None is rotating.stored.next


def test_the_former_authority_is_trusted_for_a_day(rotating):
    former = active(rotating)
    rotating.after(MINUTE)
    rotating.after(DAY - SECOND)
    assert [{former, active(rotating)}] * 2 == rotating.bundles()

    rotating.after(SECOND)
    assert [{active(rotating)}] * 2 == rotating.bundles()


@pytest.mark.parametrize("missing", ["silent", "behind"])
def test_the_former_authority_stays_while_a_ready_replica_has_not_confirmed(rotating, missing):
    """It was away, cannot write, or runs an older version: it still shows what the former one signed."""
    former = active(rotating)
    behind = rotating.leaves.pop(PODS[1])
    if missing == "silent":
        rotating._merge({"metadata": {"annotations": {annotation(PODS[1]): None}}})
    rotating.after(MINUTE)
    rotating.after(2 * DAY)
    assert [{former, active(rotating)}] * 2 == rotating.bundles()

    rotating.leaves[PODS[1]] = behind
    rotating.after(MINUTE)
    assert [{active(rotating)}] * 2 == rotating.bundles()


def test_nobody_who_is_not_called_is_waited_for(rotating):
    """A pod that is gone, or will never be ready."""
    rotating.leaves.pop(PODS[1])
    rotating.ready = frozenset(PODS[:1])
    rotating.after(MINUTE)
    rotating.after(DAY)

    assert [{active(rotating)}] * 2 == rotating.bundles()


def test_where_nobody_is_ready_nothing_is_confirmed(rotating):
    former = active(rotating)
    rotating.after(MINUTE)
    rotating.ready = frozenset()
    rotating.after(2 * DAY)

    assert former in rotating.bundles()[0]


def test_an_expired_authority_is_not_trusted_any_more(rotating):
    """In a step of its own; scanners complain of one in a bundle."""
    former = active(rotating)
    rotating.after(MINUTE)
    rotating.ready = frozenset()
    rotating.now = START + BRIEF.authority
    rotating.lead()

    assert former not in rotating.bundles()[0]
    assert () == rotating.stored.former


def test_each_leaf_is_renewed_after_two_thirds_of_its_life(world):
    before = {pod: leaf.held for pod, leaf in world.leaves.items()}
    world.after(TIMING.leaf * 2 / 3 - SECOND)
    assert before == {pod: leaf.held for pod, leaf in world.leaves.items()}

    world.after(2 * SECOND)
    assert not set(before.values()) & {leaf.held for leaf in world.leaves.values()}


@pytest.mark.parametrize("change", ["name", "key"])
def test_another_name_or_kind_of_key_is_a_reason(world, change):
    """As a rotation like any other, with the old one trusted on the way."""
    wanted = pki.authority("former.ops", TIMING.validity(START, TIMING.authority)) if change == "name" else _with_p384()
    world._merge({"data": written(msgspec.structs.replace(world.stored, active=wanted))})
    world.trust(wanted)
    world.look()
    world.after(2 * MINUTE, step=MINUTE)
    world.after(DAY)

    assert "CN=webhook.ops" == world.stored.active.certificate.subject.rfc4514_string()
    assert "secp256r1" == world.stored.active.key.curve.name
    assert "switch" in world.steps


def _with_p384():
    from cryptography.hazmat.primitives import hashes
    from cryptography.hazmat.primitives.asymmetric import ec

    key = ec.generate_private_key(ec.SECP384R1())
    name = an_authority().certificate.subject
    made = pki._builder(name, name, key, TIMING.validity(START, TIMING.authority))
    made = made.add_extension(pki.x509.BasicConstraints(ca=True, path_length=0), critical=True)
    made = made.add_extension(pki._usage("key_cert_sign"), critical=True)
    return pki.Pair(made.sign(key, hashes.SHA384()), key)


# Whoever takes over goes on.


def test_after_each_single_write_another_leader_finishes():
    """Killed after the first, the second, … write, with nothing but what is stored for the one that follows."""
    whole = World(*PODS)
    whole.lead()
    while "drain" not in whole.steps or len(whole.bundles()[0]) > 1:
        whole.after(2 * DAY)

    for dies_after in range(1, whole.writes + 1):
        world = World(*PODS)
        while "drain" not in world.steps or len(world.bundles()[0]) > 1:
            if (decision := world.decide()).plan.actions:
                world.carry_out(decision)
                world.look()
                assert len(world.steps) < 2 or {} == world.refused()
                if world.writes == dies_after:
                    world.forget()
            elif world.stored.next is not None:
                world.after(MINUTE)
            else:
                world.after(2 * DAY)
        assert ["bootstrap", "spread", "rotate", "spread", "switch", "drain", "spread"] == world.steps, dies_after


def test_who_leads_last_decides_the_same_twice(rotating):
    """Two who saw the same ask for the same version of the Secret, so only one of them gets it (:class:`Patch`)."""
    rotating.now += MINUTE
    one, other = rotating.decide(), rotating.decide()

    assert "switch" == one.step == other.step


# What may be found.


def test_a_bundle_that_was_emptied_is_repaired_before_anything_else(rotating):
    rotating.trust()
    assert rotating.refused()

    assert "spread" == rotating.decide().step
    rotating.carry_out(rotating.decide())
    assert {} == rotating.refused()


def test_an_entry_that_came_with_an_upgrade_gets_the_bundle(world):
    world.trust(entries=[1])
    world.lead()

    assert [{active(world)}] * 2 == world.bundles()


def test_an_authority_that_somebody_else_had_trusted_stays_for_a_day(world):
    """After a change from cert-manager's certificates to ours, pods of the former version show theirs."""
    theirs = an_authority()
    world.trust(theirs)
    assert ["WebhookAuthorityKept"] == world.lead()
    assert [{active(world), fingerprint(theirs.certificate)}] * 2 == world.bundles()

    world.after(DAY)
    assert [{active(world)}] * 2 == world.bundles()


def test_what_was_drained_does_not_come_back_as_a_stranger(rotating):
    """Between the two writes of a drain the configuration trusts more than the Secret says."""
    rotating.after(MINUTE)
    rotating.now += DAY
    rotating.look()
    rotating.carry_out(rotating.decide())
    assert "drain" == rotating.steps[-1]

    rotating.forget()
    assert "spread" == rotating.decide().step


@pytest.mark.parametrize(
    "damage",
    [
        {"ca_crt": None, "ca_key": None, "switched": None},
        {"ca_key": None},
        {"ca_crt": None},
        {"ca_key": an_authority().key_pem().reveal()},
        {"ca_key": "rubbish"},
        {"ca_crt": "rubbish"},
    ],
    ids=["emptied", "no key", "no certificate", "another key", "no PEM key", "no PEM certificate"],
)
def test_a_broken_secret_while_replicas_serve_goes_all_the_way(world, damage):
    """They show certificates of an authority that cannot sign any more: it stays trusted until the new one is."""
    former = active(world)
    world.change(**damage)
    world.look()
    assert "WebhookAuthorityRenewing" in world.lead()
    assert {} == world.refused()
    assert former in world.bundles()[0]

    world.after(59 * SECOND)
    assert {former} == {fingerprint(leaf.held.authority) for leaf in world.leaves.values()}
    world.after(SECOND)
    assert {active(world)} == {fingerprint(leaf.held.authority) for leaf in world.leaves.values()}
    world.after(DAY)
    assert [{active(world)}] * 2 == world.bundles()


def test_a_deleted_secret_while_replicas_serve_goes_all_the_way(world):
    former = active(world)
    world.secret = None
    world.look()
    world.lead()
    assert {} == world.refused()
    assert former in world.bundles()[0]

    world.after(MINUTE)
    world.after(DAY)
    assert [{active(world)}] * 2 == world.bundles()


@pytest.mark.parametrize("nobody", ["serves", "is trusted"])
def test_a_lost_secret_where_nothing_is_to_be_saved_is_replaced_at_once(world, nobody):
    world.secret = None
    if nobody == "serves":
        world.ready, world.leaves = frozenset(), {}
    else:
        world.trust()
    world.lead()

    assert ["bootstrap", "spread"] == world.steps[2:]
    assert {} == world.refused()


def test_a_lost_key_of_the_next_authority_costs_only_that(rotating):
    coming = fingerprint(rotating.stored.next.certificate)
    rotating.change(next_key="rubbish")
    rotating.lead()
    assert fingerprint(rotating.stored.next.certificate) != coming

    rotating.after(MINUTE)
    rotating.after(DAY)
    assert coming not in rotating.bundles()[0]


def test_a_machine_that_slept_for_a_year_begins_anew_at_once(world):
    """Everything has expired, so there is nothing to spread and nobody to wait for."""
    world.now += dt.timedelta(days=366)
    world.lead()
    world.look()

    assert ["bootstrap", "spread"] == world.steps[2:]
    assert {} == world.refused()


def test_a_clock_that_went_back_makes_no_certificate_that_has_not_begun(world):
    world.now -= 2 * DAY
    world.look()
    world.lead()
    world.after(MINUTE)

    assert {} == world.refused()


def test_a_secret_of_somebody_else_is_left_alone():
    """Refused with an Event, in every form it may have."""
    world = World(*PODS)
    ours = world.decide().plan.actions[0].desired
    owner = OwnerReference("cert-manager.io/v1", "Certificate", "webhook", "1", controller=True)
    changed = msgspec.structs.replace
    for foreign in (
        KubeSecret(metadata=ChildMeta(name="webhook-certificates", namespace="ops"), type="Opaque"),
        changed(ours, type="kubernetes.io/tls"),
        changed(ours, metadata=changed(ours.metadata, owner_references=(owner,))),
        changed(ours, metadata=changed(ours.metadata, labels={**ours.metadata.labels, "steward.dev/instance": "other"})),
    ):
        world.secret = foreign
        assert ["WebhookSecretForeign"] == world.lead()

    assert 0 == world.writes


def test_without_a_configuration_there_is_an_authority_and_nobody_to_tell(world):
    """Its return, at an upgrade or after an emergency, finds everything as it was."""
    former, world.configuration = world.configuration, None
    world.lead()
    world.configuration = former
    world.trust()
    world.lead()

    assert {} == world.refused()
    assert 1 == world.steps.count("bootstrap")


def test_the_word_of_a_pod_that_is_gone_goes_after_an_hour(world):
    world.leaves.pop(PODS[1])
    world.ready = frozenset(PODS[:1])
    world.after(HOUR)
    assert annotation(PODS[1]) in world.stored.shown
    world.after(SECOND)

    assert {annotation(PODS[0])} == set(world.stored.shown)


# What is stored.


def test_what_is_written_is_what_is_read(rotating):
    stored = rotating.stored
    data = {key: value for key, value in written(stored).items() if value is not None}
    again = read(KubeSecret(data=data))

    assert [stored.active.certificate, stored.next.certificate] == [again.active.certificate, again.next.certificate]
    assert (stored.former, stored.switched, stored.retired) == (again.former, again.switched, again.retired)


def test_rubbish_in_a_secret_is_no_error():
    rubbish = {key: Secret(encoded("rubbish")) for key in ("ca.crt", "ca.key", "next.crt", "next.key", "switched", "other")}
    annotations = {annotation("pod"): "rubbish", annotation("other"): '{"since": "2026-11-21T12:00:00"}'}
    for data in (rubbish, {key: Secret("\N{SNOWMAN} no base64") for key in rubbish}):
        stored = read(KubeSecret(metadata=ChildMeta(annotations=annotations), data=data))
        assert (None, None, ()) == (stored.active, stored.next, stored.former)


def test_keys_are_in_no_text_but_the_one_for_the_server(rotating):
    rotating.now += MINUTE
    decision = rotating.decide()
    key = rotating.stored.next.key_pem().reveal()

    for shown in (repr(decision), repr(rotating.secret), repr(rotating.stored), str(decision.plan.actions[0].fields)):
        assert key not in shown
        assert encoded(key) not in shown


def test_long_names_of_pods_have_annotations_of_their_own():
    one, other = (annotation("pod-" + "x" * 80 + end) for end in "ab")

    assert one != other
    assert 63 >= len(one.partition("/")[2])
