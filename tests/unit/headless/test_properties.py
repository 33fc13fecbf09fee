"""What holds whatever there is: pods in any state, leftovers of former ones, objects of others, any configuration, hands that meddle."""

import asyncio
import contextlib
import copy
import ipaddress
import re

import msgspec
from hypothesis import HealthCheck, Phase, given, settings
from hypothesis import strategies as st

from steward.headless.config import Config
from steward.headless.controller import reconcile
from steward.headless.model import SERVICES, SLICES
from steward.headless.names import hashed
from steward.runtime import errors
from steward.runtime.client import MERGE_PATCH
from steward.runtime.plan import Apply, Delete
from steward.runtime.resource import Key
from support import builders
from support.desk import Desk
from support.fakeapi import FakeAPI
from support.worked import Worked, client, everything, is_of_a_pod

ROUNDS = 3
"""Rounds with a write until a key is at rest: what is in the way goes, what is needed comes, what came too late is mended."""

NAMES = ("web-0", "web-1", "9lives", "web.0", "x" * 64)
CHILDREN_NAMES = [
    (kind, f"{name}{end}") for name in NAMES[:2] for kind, end in (("Service", ""), ("EndpointSlice", "-ipv4"), ("EndpointSlice", "-ipv6"))
]

OURS = builders.OUR_LABELS
GONE = builders.pod("gone", uid="00000000-0000-4000-8000-00000000dead")
DEPLOYMENT = builders.owner_of(GONE, kind="Deployment", apiVersion="apps/v1")

OTHERS = {
    "by hand": builders.service(),
    "of ours by its labels alone": builders.service(labels=OURS),
    "of a pod, without our labels": builders.service(owner=GONE, labels={}),
    "of a Deployment, with our labels": builders.service(owner=DEPLOYMENT, labels=OURS),
    "of another installation": builders.service(owner=GONE, labels=OURS | {"steward.dev/instance": "other.steward-headless"}),
    "with a selector": builders.service(spec={"selector": {"app": "shop"}, "ports": [{"port": 80}]}),
}
"""What may have the name already."""

DRIFTS = {
    SERVICES: [
        {"metadata": {"labels": {"team": "shop"}}},
        {"metadata": {"labels": {"operator": "somebody"}}},
        {"metadata": {"annotations": {"steward.dev/desired-hash": None, "note": "mine"}}},
        {"metadata": {"ownerReferences": None}},
        {"metadata": {"finalizers": ["example.com/wait"]}},
        {"spec": {"publishNotReadyAddresses": True}},
        {"spec": {"publishNotReadyAddresses": None}},
        {"spec": {"selector": {"app": "shop"}}},
        {"spec": {"ports": None}},
        {"spec": {"ports": [{"port": 80, "name": "mine", "protocol": "TCP"}, {"port": 4711, "name": "more", "protocol": "TCP"}]}},
    ],
    SLICES: [
        {"metadata": {"labels": {"team": "shop"}}},
        {"metadata": {"labels": {"endpointslice.kubernetes.io/managed-by": None}}},
        {"metadata": {"labels": {"kubernetes.io/service-name": "other"}}},
        {"metadata": {"annotations": {"note": "mine"}}},
        {"metadata": {"finalizers": ["example.com/wait"]}},
        {"endpoints": [{"addresses": ["10.9.9.9"]}]},
        {"endpoints": []},
        {"ports": [{"name": "mine", "port": 4711, "protocol": "TCP"}]},
    ],
}
"""What others do to a child: some of it is theirs to do, some is mended, some takes the child away from us."""

configs = st.builds(
    Config,
    exclude_namespaces=st.sampled_from([(), (), ("other",), ("shop",)]),
    host_network=st.sampled_from(["allow", "deny"]),
    publish_not_ready_addresses=st.booleans(),
    long_names=st.sampled_from(["skip", "hash"]),
    copy_annotations=st.sampled_from([(), ("note",)]),
)
annotations = st.fixed_dictionaries(
    {},
    optional={
        "srcd.host/create-headless-service": st.sampled_from(["true", "false"]),
        "steward.dev/headless-service-ports": st.sampled_from(["", "web=80", "9090/UDP,80", "80,tcp-80=81", "eighty"]),
        "steward.dev/publish-not-ready": st.sampled_from(["true", "false", "perhaps"]),
        "note": st.sampled_from(["one", "two"]),
    },
)
pods = st.builds(
    builders.pod,
    annotated=st.sampled_from([True, True, True, False]),
    annotations=annotations,
    ips=st.sampled_from([("10.0.0.1",), ("10.0.0.1", "fd00::1"), ("fd00::1", "10.0.0.2"), ("fd00::1",), ()]),
    ports=st.sampled_from(
        [
            ({"name": "http", "containerPort": 80},),
            ({"containerPort": 80}, {"containerPort": 80, "protocol": "UDP"}),
            ({"name": "tcp-81", "containerPort": 80}, {"containerPort": 81}),
            (),
        ]
    ),
    phase=st.sampled_from(["Running", "Running", "Pending", "Succeeded", "Failed"]),
    ready=st.booleans(),
    host_network=st.sampled_from([False, False, True]),
    deleting=st.sampled_from([False, False, True]),
)
some_pods = st.dictionaries(st.sampled_from(NAMES), pods, max_size=3)
leftovers = st.dictionaries(st.sampled_from(CHILDREN_NAMES), st.sampled_from(["former", "orphan"]), max_size=4)
occupants = st.dictionaries(st.sampled_from(["web-0", "web-1", *map(hashed, NAMES[2:])]), st.sampled_from(sorted(OTHERS)), max_size=2)
drifts = st.lists(st.sampled_from([(resource, patch) for resource, patches in DRIFTS.items() for patch in patches]), max_size=3)


# Explaining a failure traces every line that ran, which takes longer than a test may.
@settings(max_examples=50, phases=set(Phase) - {Phase.explain}, suppress_health_check=[HealthCheck.too_slow])
@given(worlds=st.tuples(some_pods, some_pods), leftovers=leftovers, occupants=occupants, drifts=drifts, configured=st.tuples(configs, configs))
def test_three_rounds_lead_from_anything_to_exactly_the_right_children(worlds, leftovers, occupants, drifts, configured):
    """From any beginning, and again after pods were replaced, children meddled with and the configuration changed.

    Then nothing is left to do, nothing of others was touched, and each Apply and Delete was aimed at an object of ours.
    """

    async def scenario():
        api = FakeAPI()
        furnish(api, leftovers, occupants)
        put_pods(api, worlds[0])
        await come_to_rest(api, configured[0])
        check_children(api, configured[0])
        await meddle(api, drifts)
        put_pods(api, worlds[1])
        await come_to_rest(api, configured[1])
        if await release(api):
            await come_to_rest(api, configured[1])
        check_children(api, configured[1])

    asyncio.run(scenario())


async def come_to_rest(api, config):
    others = of_others(api)
    worked = Worked(api, config)
    await worked.settle(limit=ROUNDS)

    assert {} == worked.unfinished()
    assert others == of_others(api)
    for actions in worked.written.values():
        for action in actions:
            assert not isinstance(action, Apply | Delete) or is_of_a_pod(msgspec.to_builtins(action.observed))


def check_children(api, config):
    """Exactly the right children exist, told from the manifests alone."""
    wanted = {pod["metadata"]["uid"]: should for pod in api.all("pods") if (should := should_have(api, pod, config)) is not None}
    services, slices = ([one for one in api.all(plural) if is_of_a_pod(one) and not is_kept(one)] for plural in ("services", "endpointslices"))

    assert sorted((uid, name) for uid, (name, _) in wanted.items()) == sorted(map(uid_and_name, services))
    hidden = [one for one in api.all("endpointslices") if is_of_a_pod(one) and is_hidden(one)]
    blocked = {one["metadata"]["name"] for one in hidden}
    named_slices = [(uid, f"{name}-{family.lower()}") for uid, (name, families) in wanted.items() for family in families]
    assert sorted((uid, name) for uid, name in named_slices if name not in blocked) == sorted(map(uid_and_name, slices))
    assert not set(map(uid_and_name, hidden)) & set(named_slices)
    for found in services:
        assert "None" == found["spec"]["clusterIP"]
        assert "selector" not in found["spec"]
    for found in slices:
        uid, _ = uid_and_name(found)
        name, families = wanted[uid]
        assert name == found["metadata"]["labels"]["kubernetes.io/service-name"]
        assert [families[found["addressType"]]] == [endpoint["addresses"] for endpoint in found["endpoints"]]
        assert [uid] == [endpoint["targetRef"]["uid"] for endpoint in found["endpoints"]]


def should_have(api, pod, config):
    """The name and the addresses by family that a pod should have, or None for no name."""
    meta, status = pod["metadata"], pod["status"]
    annotations = meta.get("annotations", {})
    fits = re.fullmatch(r"[a-z]([-a-z0-9]{0,61}[a-z0-9])?", meta["name"]) is not None
    name = meta["name"] if fits or config.long_names == "skip" else hashed(meta["name"])
    occupant = api.get("services", f"shop/{name}")
    stands_against = [
        "true" not in (annotations.get(builders.ANNOTATION), annotations.get("srcd.host/create-headless-service")),
        meta["namespace"] in config.exclude_namespaces,
        status["phase"] in ("Succeeded", "Failed"),
        "deletionTimestamp" in meta,
        not fits and config.long_names == "skip",
        pod["spec"].get("hostNetwork", False) and config.host_network == "deny",
        occupant is not None and not (is_of_a_pod(occupant) and meta["name"] == occupant["metadata"]["ownerReferences"][0]["name"]),
        not status.get("podIPs"),
    ]
    if any(stands_against):
        return None
    families = {}
    for address in status["podIPs"]:
        families.setdefault(f"IPv{ipaddress.ip_address(address['ip']).version}", []).append(address["ip"])
    return name, families


def uid_and_name(child):
    return child["metadata"]["ownerReferences"][0]["uid"], child["metadata"]["name"]


def is_kept(child):
    """Whether it is left to the garbage collector: another installation made it for a pod that we do not see, or it is hidden from us."""
    return is_hidden(child) or "other.steward-headless" == child["metadata"]["labels"].get("steward.dev/instance")


def is_hidden(child):
    """Whether somebody took away the label by which we look for EndpointSlices. Those of a pod that is there we find all the same."""
    labels = child["metadata"]["labels"]
    return "kubernetes.io/service-name" in labels and "endpointslice.kubernetes.io/managed-by" not in labels


def of_others(api):
    return {name: one for name, one in everything(api).items() if not is_of_a_pod(one)}


def furnish(api, leftovers, occupants):
    """Put in what was there before."""
    for (kind, name), origin in leftovers.items():
        owner = GONE if origin == "orphan" else builders.pod(re.sub("-ipv[46]$", "", name), uid="00000000-0000-4000-8000-00000000f0f0")
        api.add(builders.service(name, owner=owner) if kind == "Service" else builders.endpoint_slice(name, owner=owner, family=f"IPv{name[-1]}"))
    for name, kind in occupants.items():
        if f"shop/{name}" not in api.keys("services"):
            api.add(named(OTHERS[kind], name))
    api.add(builders.endpoint_slice("web-0-abcde"))


def put_pods(api, wanted):
    """Make the pods these: whatever was there is gone, also under the same name."""
    for key in api.keys("pods"):
        api.remove("pods", key)
    for name, pod in wanted.items():
        api.add(named(pod, name))


def named(manifest, name):
    copied = copy.deepcopy(manifest)
    copied["metadata"]["name"] = name
    return copied


async def meddle(api, drifts):
    """Others change our children by patches of their own; fields that they write belong to them then."""
    hand = client(api, "kubectl-edit")
    for resource, patch in drifts:
        for key in sorted(api.keys(resource.plural)):
            if is_of_a_pod(api.get(resource.plural, key)):
                with contextlib.suppress(errors.Invalid):
                    await hand.patch(resource, Key(*key.split("/")), patch, content_type=MERGE_PATCH)


async def release(api):
    """Take the finalizers away; whether there was one."""
    kept = [
        (resource, key) for resource in DRIFTS for key in api.keys(resource.plural) if api.get(resource.plural, key)["metadata"].get("finalizers")
    ]
    for resource, key in kept:
        await client(api, "kubectl-edit").patch(resource, Key(*key.split("/")), {"metadata": {"finalizers": None}}, content_type=MERGE_PATCH)
    return bool(kept)


@given(pod=pods, leftovers=leftovers, config=configs)
def test_the_same_state_gives_the_same_plan(pod, leftovers, config):
    """No clock, no chance, no memory; also from an equal State that is made of other objects, filed in another order."""
    former = builders.pod(uid="former")
    found = [builders.service(n, owner=former) if kind == "Service" else builders.endpoint_slice(n, owner=former) for kind, n in leftovers]
    seen, again = (observe(config, *manifests) for manifests in ([pod, *found], [*reversed(found), pod]))

    assert (seen is None) == (again is None)
    assert seen is None or shape(reconcile(seen)) == shape(reconcile(copy.deepcopy(seen))) == shape(reconcile(again))


def observe(config, *manifests):
    desk = Desk(config)
    desk.file(*manifests)
    return desk.observe(Key("shop", "web-0"))


def shape(plan):
    """A plan without the versions of what was observed."""
    actions = [(type(action), action.resource.kind, getattr(action, "desired", None), action.done) for action in plan.actions]
    return actions, plan.events, plan.done, plan.requeue_after
