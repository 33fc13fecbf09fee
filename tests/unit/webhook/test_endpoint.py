"""From bytes to bytes: what is answered to whom, whatever comes, and what is counted."""

import asyncio
import json

import msgspec
import pytest
from hypothesis import given
from hypothesis import strategies as st
from prometheus_client import CollectorRegistry

from steward.governance import combining
from steward.governance.namespaces import BY_NAMESPACE, SYSTEM_NAMESPACES, SystemNamespaces
from steward.governance.policies import POLICIES
from steward.http.admission import Call
from steward.runtime.store import Store, Writer
from steward.telemetry.metrics import bind
from steward.webhook import endpoint as endpoints
from steward.webhook import metrics
from steward.webhook.endpoint import CLOSED, OPEN, Endpoint, Scope
from steward.webhook.model import NAMESPACES, Namespace
from support.admission import ALL, asked, body, pod, policy
from support.containers import container

pytestmark = pytest.mark.looptime

LATEST = container(image="app:latest")


class Desk:
    """An endpoint whose caches are filled by hand."""

    def __init__(self, *policies, namespaces=("shop",), known=True):
        self.registry = CollectorRegistry()
        self.policies = Writer(Store(POLICIES, [BY_NAMESPACE]))
        self.namespaces = Writer(Store(NAMESPACES))
        for number, one in enumerate(policies):
            meta = msgspec.structs.replace(one.metadata, uid=f"p{number}", resource_version="1")
            self.policies.upsert(msgspec.structs.replace(one, metadata=meta))
        for name in namespaces:
            self.know(name)
        counters = metrics.Counters(bind(metrics.ALL, self.registry, component="webhook"))
        scope = Scope("steward", SystemNamespaces(SYSTEM_NAMESPACES), ())
        self.endpoint = Endpoint(self.policies.store, self.namespaces.store if known else None, scope=scope, counters=counters)

    def know(self, name, **meta):
        self.namespaces.upsert(msgspec.convert({"metadata": {"name": name, "uid": f"n-{name}", "resourceVersion": "1", **meta}}, Namespace))

    async def ask(self, review, *, path=OPEN, content_type="application/json", seconds=2.5):
        now = asyncio.get_running_loop().time()
        text = review if isinstance(review, bytes) else body(review)
        return await self.endpoint.handle(Call(path, content_type, text, now + seconds, now))

    def count(self, name, **labels):
        return self.registry.get_sample_value(f"kube_devops_webhook_{name}", labels)


def response(reply):
    """The response of an answer that is an AdmissionReview."""
    answer = json.loads(reply.body)
    assert ("admission.k8s.io/v1", "AdmissionReview") == (answer["apiVersion"], answer["kind"])
    assert not {"patch", "patchType"} & set(answer["response"])
    return answer["response"]


async def test_an_answer_is_an_admission_review_with_the_uid_of_the_request():
    desk = Desk(policy())
    reply = await desk.ask(asked(pod(container()), uid="the-uid"))

    assert 200 == reply.status
    assert {"uid": "the-uid", "allowed": True} == {key: response(reply)[key] for key in ("uid", "allowed")}


async def test_a_denial_is_403_inside_of_200():
    """A status other than 200 would be a failed call, which Ignore passes over."""
    desk = Desk(policy())
    reply = await desk.ask(asked(pod(LATEST)))
    answer = response(reply)

    assert (200, False) == (reply.status, answer["allowed"])
    assert (403, "Forbidden", "Failure") == tuple(answer["status"][key] for key in ("code", "reason", "status"))
    assert answer["status"]["message"].startswith("Denied by DevOpsPolicy: strict")
    assert 1 == desk.count("denials_total", namespace="shop", violation="latest_tag")
    assert 1 == desk.count("requests_total", operation="CREATE", allowed="false", dry_run="false")


@pytest.mark.parametrize(
    ("metadata", "told"),
    [
        ({"name": "web-x7k2p", "generateName": "web-"}, "web-x7k2p"),
        ({"generateName": "web-"}, "web-*"),
        ({"ownerReferences": [{"kind": "ReplicaSet", "name": "web-5d9c", "uid": "1"}]}, "of ReplicaSet web-5d9c"),
        ({"generateName": None, "ownerReferences": None}, ""),
    ],
    ids=["the object's", "to be generated", "its owner's", "none"],
)
async def test_the_log_says_which_pod_was_denied_also_where_the_request_has_no_name(caplog, metadata, told):
    """A request has none where the name is generated, which is how controllers make pods."""
    caplog.set_level("INFO")
    nameless = pod(LATEST) | {"metadata": {"namespace": "shop"} | metadata}
    await Desk(policy()).ask(asked(nameless, name=""))

    assert [told] == [record.steward_fields["name"] for record in caplog.records if record.getMessage() == "denied"]


async def test_warnings_and_notes_go_along():
    desk = Desk(policy(mode="audit"))
    answer = response(await desk.ask(asked(pod(LATEST), dryRun=True)))

    assert 1 == len(answer["warnings"])
    assert {"policies", "violations"} == set(answer["auditAnnotations"])
    assert 1 == desk.count("warnings_total", violation="latest_tag")
    assert 1 == desk.count("requests_total", operation="CREATE", allowed="true", dry_run="true")


async def test_each_call_is_counted_and_nothing_is_remembered():
    """Collisions of generated names and conflicts make the API server ask again, under new uids."""
    desk = Desk(policy())
    replies = [response(await desk.ask(asked(pod(LATEST), uid=str(number)))) for number in range(8)]

    assert [str(number) for number in range(8)] == [one.pop("uid") for one in replies]
    assert all(one == replies[0] for one in replies)
    assert 8 == desk.count("denials_total", namespace="shop", violation="latest_tag")


# --- bad input ------------------------------------------------------------------------------------------------------------------------

BAD = {
    "empty": b"",
    "no JSON": b"{",
    "nothing": b"null",
    "a list": b"[]",
    "a number": b"3",
    "not UTF-8": b'{"kind": "\xff"}',
    "nested deep": b"[" * 100_000,
    "no request": body({"apiVersion": "admission.k8s.io/v1", "kind": "AdmissionReview"}),
    "another kind": body(asked(pod()) | {"kind": "ConversionReview"}),
    "another version": body(asked(pod()) | {"apiVersion": "admission.k8s.io/v1beta1"}),
    "an unknown operation": body(asked(pod(), operation="EXPLODE")),
    "a wrong type": body(asked(pod(), namespace=3)),
    "no uid": body(asked(pod(), uid="")),
}


@pytest.mark.parametrize("text", BAD.values(), ids=BAD)
async def test_what_is_no_review_is_answered_with_400_and_a_review(text):
    desk = Desk(policy())
    reply = await desk.ask(text)
    answer = response(reply)

    assert (400, False, 400) == (reply.status, answer["allowed"], answer["status"]["code"])
    assert answer["status"]["message"]
    assert 1 == desk.count("failures_total", reason="malformed")


@pytest.mark.parametrize("name", ["another kind", "another version", "an unknown operation", "a wrong type"])
async def test_the_uid_comes_back_where_it_can_be_read(name):
    assert asked(pod())["request"]["uid"] == response(await Desk().ask(BAD[name]))["uid"]


async def test_only_json_is_read():
    reply = await Desk().ask(asked(pod()), content_type="text/plain")

    assert (400, "Content-Type: expected application/json, got text/plain") == (reply.status, response(reply)["status"]["message"])


@given(
    st.binary(max_size=400)
    | st.recursive(
        st.none() | st.booleans() | st.integers() | st.text(),
        lambda one: (
            st.lists(one)
            | st.dictionaries(st.sampled_from(["apiVersion", "kind", "request", "uid", "object", "spec", "containers", "metadata"]), one)
        ),
        max_leaves=12,
    ).map(body)
)
def test_whatever_comes_is_answered_with_a_review(text):
    reply = asyncio.run(Desk(policy()).ask(text))

    assert reply.status in (200, 400)
    response(reply)


JSON = st.recursive(
    st.none() | st.booleans() | st.integers() | st.text(max_size=5),
    lambda one: (
        st.lists(one, max_size=3)
        | st.dictionaries(
            st.sampled_from(["metadata", "spec", "containers", "image", "name", "annotations", "initContainers", "template", "status"]), one
        )
    ),
    max_leaves=10,
)


@given(JSON, JSON, st.sampled_from(["CREATE", "UPDATE", "DELETE"]), st.sampled_from(["", "resize", "ephemeralcontainers", "status"]), st.booleans())
def test_whatever_object_comes_is_answered_for_its_uid(new, old, operation, sub, closed):
    """By the verdict, or by the failure policy; never by an exception, and never by a refusal that is no denial."""
    reply = asyncio.run(Desk(policy()).ask(asked(new, old, operation=operation, sub=sub), path=CLOSED if closed else OPEN))

    if reply.status == 200:
        answer = response(reply)
        assert asked(None)["request"]["uid"] == answer["uid"]
        assert answer["allowed"] or answer["status"]["message"].startswith("Denied by DevOpsPolicy: ")
    else:
        assert (500, True) == (reply.status, closed)


async def test_what_a_newer_kubernetes_adds_is_passed_over():
    newer = pod(container(futureField={"a": [1]}), futureSpec=True, metadata={"futureMeta": {}})
    answer = response(await Desk(policy()).ask(asked(newer, futureRequest=1) | {"future": 1}))

    assert answer["allowed"]
    assert "warnings" not in answer


async def test_nulls_are_as_good_as_absent():
    """A Go program writes them for empty lists."""
    nulls = pod(container(readinessProbe={}, image="app"), initContainers=None, ephemeralContainers=None, metadata={"labels": None})

    assert not response(await Desk(policy()).ask(asked(nulls)))["allowed"]


# --- the failure policy ---------------------------------------------------------------------------------------------------------------


def broken(monkeypatch):
    def fail(*_, **__):
        raise RuntimeError("boom")

    monkeypatch.setattr(endpoints, "reviewing", fail)


async def test_an_error_of_ours_lets_pass_with_a_warning_where_that_is_the_policy(monkeypatch):
    broken(monkeypatch)
    desk = Desk(policy())
    answer = response(await desk.ask(asked(pod(LATEST))))

    assert answer["allowed"]
    assert ["DevOpsPolicy: not checked: the review failed with RuntimeError"] == answer["warnings"]
    assert 1 == desk.count("failures_total", reason="error")


async def test_an_error_of_ours_is_a_failed_call_where_none_may_pass_unchecked(monkeypatch):
    """No ``allowed: false``: that would be a refusal, and the configuration could not be changed to pass over it."""
    broken(monkeypatch)
    desk = Desk(policy())
    reply = await desk.ask(asked(pod(LATEST)), path=CLOSED)

    assert (500, b"no review: the review failed with RuntimeError\n") == (reply.status, reply.body)
    assert 1 == desk.count("failures_total", reason="error")


@pytest.mark.parametrize(("path", "status"), [(OPEN, 200), (CLOSED, 500)], ids=["open", "closed"])
async def test_a_call_that_comes_too_late_is_answered_by_the_failure_policy(path, status):
    desk = Desk(policy())

    assert status == (await desk.ask(asked(pod(LATEST)), path=path, seconds=-0.1)).status
    assert 1 == desk.count("failures_total", reason="deadline")


def crowd(count):
    """As many policies as a team may write, with as many exemptions, none of which helps."""
    waivers = [
        {"checks": ["latest_tag"], "reason": "x", "expires": "2099-01-01T00:00:00Z", "containers": [f"other-{number}"]} for number in range(100)
    ]
    return [policy(f"p{number}", exemptions=waivers, **ALL) for number in range(count)]


HUGE = [container(f"c{number}", image="app:latest") for number in range(100)]


async def test_between_two_policies_of_a_namespace_others_have_their_turn(monkeypatch):
    judged, seen = 0, []
    evaluate = combining.evaluate

    def counted(*args, **kwargs):
        nonlocal judged
        judged += 1
        return evaluate(*args, **kwargs)

    async def watch():
        while True:
            seen.append(judged)
            await asyncio.sleep(0)

    monkeypatch.setattr(combining, "evaluate", counted)
    desk = Desk(*crowd(10))
    watching = asyncio.create_task(watch())
    answer = response(await desk.ask(asked(pod(*HUGE))))
    watching.cancel()

    assert not answer["allowed"]
    assert set(range(1, 10)) <= set(seen)


@pytest.mark.parametrize(("path", "status"), [(OPEN, 200), (CLOSED, 500)], ids=["open", "closed"])
async def test_policies_that_take_too_long_are_not_all_asked(monkeypatch, path, status):
    """Each takes a second here, and there are two and a half."""
    judged = []
    evaluate = combining.evaluate

    async def a_second(_):
        await asyncio.sleep(1)

    def counted(*args, **kwargs):
        judged.append(args)
        return evaluate(*args, **kwargs)

    monkeypatch.setattr(endpoints, "pause", a_second)
    monkeypatch.setattr(combining, "evaluate", counted)
    desk = Desk(*crowd(10))
    reply = await desk.ask(asked(pod(*HUGE)), path=path)

    assert (status, 3) == (reply.status, len(judged))
    assert 1 == desk.count("failures_total", reason="deadline")
    assert b"its policies could not all be asked in time" in reply.body


async def test_policies_may_come_and_go_while_a_review_is_under_way(monkeypatch):
    desk = Desk(*crowd(3))

    async def meanwhile(_):
        for one in list(desk.policies.store):
            desk.policies.remove(one)

    monkeypatch.setattr(endpoints, "pause", meanwhile)

    assert "p2" in response(await desk.ask(asked(pod(*HUGE))))["auditAnnotations"]["policies"]


async def test_a_policy_with_a_field_of_a_newer_version_is_still_asked():
    desk = Desk(policy(forbidLatestTag=True, forbidMoonlight=True))

    assert not response(await desk.ask(asked(pod(LATEST))))["allowed"]
    assert 0 == desk.count("failures_total", reason="policy")


async def test_a_policy_that_cannot_be_read_is_not_taken_for_none():
    desk = Desk(policy())
    desk.policies.obscure(msgspec.structs.replace(policy("odd").metadata, uid="odd", resource_version="9"))

    assert 500 == (await desk.ask(asked(pod(container())), path=CLOSED)).status
    assert ["DevOpsPolicy: not checked: DevOpsPolicy odd cannot be read"] == response(await desk.ask(asked(pod(container()))))["warnings"]
    assert 2 == desk.count("failures_total", reason="policy")


# --- namespaces -----------------------------------------------------------------------------------------------------------------------


async def test_a_namespace_just_made_is_waited_for(looptime):
    """The pod can be faster than the watch."""
    desk = Desk(policy(), namespaces=())
    asyncio.get_running_loop().call_later(0.05, desk.know, "shop")

    assert not response(await desk.ask(asked(pod(LATEST))))["allowed"]
    assert 0.05 <= looptime <= 0.06


async def test_a_namespace_that_stays_unknown_is_waited_for_no_longer_than_a_tenth_of_a_second(looptime):
    desk = Desk(policy(), namespaces=())
    reply = await desk.ask(asked(pod(LATEST)), path=CLOSED)

    assert 500 == reply.status
    assert 0.1 <= looptime <= 0.11
    assert 1 == desk.count("failures_total", reason="namespace")


async def test_where_namespaces_may_not_be_read_none_is_waited_for(looptime):
    desk = Desk(policy(), namespaces=(), known=False)

    assert not response(await desk.ask(asked(pod(LATEST))))["allowed"]
    assert 0 == looptime


async def test_a_namespace_that_ends_keeps_its_pods_updatable():
    desk = Desk(policy(), namespaces=())
    desk.know("shop", deletionTimestamp="2026-11-21T12:00:00Z")

    assert response(await desk.ask(asked(pod(LATEST), pod(container()))))["allowed"]


@pytest.mark.parametrize("name", ["steward", "kube-system", "flux-system", "monitoring"])
async def test_our_own_namespace_and_those_of_the_system_are_let_through(looptime, name):
    """Else our own pods could not come back while nobody answers for them."""
    desk = Desk(policy(namespace=name), namespaces=())

    assert response(await desk.ask(asked(pod(LATEST), namespace=name)))["allowed"]
    assert 0 == looptime


async def test_policies_of_other_namespaces_say_nothing():
    assert response(await Desk(policy(namespace="other")).ask(asked(pod(LATEST))))["allowed"]
