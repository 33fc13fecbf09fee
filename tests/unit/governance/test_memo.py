"""A judgement that is shared is the one that each pod would have had by itself."""

import datetime as dt

import msgspec
from hypothesis import given
from hypothesis import strategies as st
from msgspec.structs import replace

from steward.governance.bundles import RESTRICTED, STANDARD
from steward.governance.exemptions import Exemption
from steward.governance.memo import LIMIT, Judge
from steward.governance.model import PODS, Pod
from steward.governance.rules import Verdict, evaluate
from steward.governance.scores import contribution
from steward.runtime.sharing import Sharer

NOW = dt.datetime(2026, 11, 21, 12, tzinfo=dt.UTC)
EXEMPTING = replace(
    STANDARD,
    exemptions=(
        Exemption(checks=("latest_tag",), reason="x", expires=NOW + dt.timedelta(minutes=5), match_labels={"tier": "a"}),
        Exemption(checks=("missing_liveness", "high_restarts", "pending"), reason="y", expires=NOW + dt.timedelta(minutes=10)),
    ),
)


@st.composite
def pods(draw):
    """Pods of few workloads: some share all that can be shared, some nothing."""
    owner = draw(st.sampled_from(["ReplicaSet", "StatefulSet", "Job", None]))
    labels = draw(st.sampled_from([{}, {"tier": "a"}, {"pod-template-hash": "1a"}, {"pod-template-hash": "1a", "tier": "b"}]))
    probe = draw(st.sampled_from([{}, {"livenessProbe": {}}]))
    statuses = [{"name": "web", "restartCount": draw(st.sampled_from([0, 3, 4, 9]))}]
    return msgspec.convert(
        {
            "metadata": {
                "name": f"web-{draw(st.integers(0, 3))}",
                "namespace": draw(st.sampled_from(["shop", "mail"])),
                "labels": labels,
                "creationTimestamp": (NOW - dt.timedelta(seconds=draw(st.sampled_from([0, 299, 400])))).isoformat(),
                "ownerReferences": [{"kind": owner, "name": "web-1a", "uid": "u", "controller": True}] if owner else [],
                "deletionTimestamp": draw(st.sampled_from([None, None, None, "2026-11-21T12:00:00Z"])),
            },
            "spec": {
                "containers": [{"name": "web", "image": draw(st.sampled_from(["app", "app:1"])), **probe}],
                "initContainers": draw(
                    st.sampled_from([[], [{"name": "init", "image": "b"}], [{"name": "proxy", "image": "p", "restartPolicy": "Always"}]])
                ),
            },
            "status": {"phase": draw(st.sampled_from(["Running", "Pending", "Succeeded", ""])), "containerStatuses": statuses},
        },
        Pod,
    )


@given(st.lists(st.tuples(pods(), st.integers(0, 900)), min_size=1, max_size=12), st.sampled_from([STANDARD, RESTRICTED, EXEMPTING]))
def test_it_is_the_judgement_of_each_pod_by_itself(looks, rules):
    """Whatever was judged before, and while exemptions end and pods wait."""
    share = Sharer(PODS.shared, lambda: len(looks))
    judge, count = Judge(rules, lambda verdict: verdict), Judge(rules, contribution)
    for pod, seconds in looks:
        now = NOW + dt.timedelta(seconds=seconds)
        wanted = evaluate(pod, rules, now=now)
        share(pod)

        assert wanted == judge(pod, now)
        assert (contribution(wanted) if wanted is not None else None) == count(pod, now)


def replicas(pod, number):
    share = Sharer(PODS.shared, lambda: number)
    owner = [{"kind": "ReplicaSet", "name": "web-1a", "uid": "u", "controller": True}]
    for index in range(number):
        yield share(pod({"name": "web", "image": "app"}, metadata={"name": f"web-{index}", "namespace": "shop", "ownerReferences": owner}))


def test_replicas_are_judged_once(pod):
    seen: list[Verdict] = []
    judge = Judge(STANDARD, lambda verdict: seen.append(verdict) or verdict)

    assert 1 == len({id(judge(one, NOW)) for one in replicas(pod, 50)}) == len(seen)


def test_what_is_remembered_has_a_limit(pod):
    """Else the specifications of pods long gone would stay."""
    judge = Judge(STANDARD, contribution)
    for index in range(LIMIT + 10):
        owner = [{"kind": "StatefulSet", "name": f"db-{index}", "uid": str(index), "controller": True}]
        judge(pod({"name": "db", "image": "db:1"}, metadata={"name": "db-0", "ownerReferences": owner}), NOW)

    assert len(judge._known) <= LIMIT
