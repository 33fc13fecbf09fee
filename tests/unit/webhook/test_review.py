"""What is denied, what is warned about, and what passes: the review alone, by the table of what can be asked."""

import datetime as dt
import inspect

import pytest
from hypothesis import given
from hypothesis import strategies as st

from steward.governance.combining import finished
from steward.governance.violations import SEVERITIES
from steward.webhook import answers
from steward.webhook import review as reviewing
from steward.webhook.subject import MIRROR, subject
from support.admission import ALL, asked, body, pod, policy
from support.containers import container

LATEST = container(image="app:latest")
BARE = container(livenessProbe=None, readinessProbe=None, resources=None)


def test_a_good_pod_passes_without_a_word(decide):
    decision = decide(asked(pod(container())), policy())

    assert (True, "", ()) == (decision.allowed, decision.message, decision.warnings)


def test_without_a_policy_all_pass(decide):
    assert decide(asked(pod(LATEST))).allowed


def test_a_denial_names_policy_container_and_mend(decide):
    decision = decide(asked(pod(LATEST)), policy())

    assert not decision.allowed
    assert 'Denied by DevOpsPolicy: strict: container web: image "app:latest" has the tag latest. Write a version or a digest.' == decision.message
    assert ("latest_tag",) == decision.denied


@pytest.mark.parametrize("severity", SEVERITIES)
def test_only_critical_and_high_are_denied(decide, severity):
    """Row 145: medium and low are told, and pass."""
    decision = decide(asked(pod(LATEST)), policy(forbidLatestTag=True, severityOverrides={"latestTag": severity}))

    assert (severity in ("critical", "high")) is not decision.allowed
    assert (severity in ("medium", "low")) == bool(decision.warnings)


def test_audit_warns_and_denies_nothing(decide):
    """The origin denied in audit mode."""
    decision = decide(asked(pod(LATEST)), policy(mode="audit"))

    assert decision.allowed
    assert (
        'DevOpsPolicy strict: container web: image "app:latest" has the tag latest. Write a version or a digest. [latest_tag, high]',
    ) == decision.warnings


@pytest.mark.parametrize(
    ("field", "check"),
    [
        ("livenessProbe", "missing_liveness"),
        ("readinessProbe", "missing_readiness"),
        ("resources", "missing_resources"),
    ],
)
def test_each_check_is_made(decide, field, check):
    assert (check,) == decide(asked(pod(container(**{field: None}))), policy(mode="audit")).warned


def test_running_pods_are_the_backgrounds_business(decide):
    """A pod that is being created is pending, and has never restarted."""
    assert not decide(asked(pod(container())), policy(maxRestartCount=0, forbidPendingDuration=0)).warned


# --- several policies -----------------------------------------------------------------------------------------------------------------


def test_the_strictest_of_several_wins_and_each_is_named(decide):
    decision = decide(asked(pod(LATEST)), policy("lenient", mode="audit"), policy("b-strict"), policy("a-strict"))

    assert not decision.allowed
    assert decision.message.startswith("Denied by DevOpsPolicy: a-strict, b-strict: container web: ")
    assert "a-strict, b-strict, lenient" == decision.notes["policies"]


@given(
    st.lists(
        st.tuples(st.sampled_from(["audit", "enforce"]), st.sets(st.sampled_from(sorted(ALL)), min_size=1), st.sampled_from(SEVERITIES)),
        min_size=2,
        max_size=4,
    ),
    st.randoms(use_true_random=False),
)
def test_the_order_of_policies_means_nothing(several, random):
    found = subject(answers.read("application/json", body(asked(pod(LATEST, BARE | {"name": "side"})))))
    policies = [
        policy(f"p{number}", mode=mode, severityOverrides={"latestTag": severity}, **dict.fromkeys(fields, True))
        for number, (mode, fields, severity) in enumerate(several)
    ]
    shuffled = list(policies)
    random.shuffle(shuffled)
    now = dt.datetime(2026, 11, 21, tzinfo=dt.UTC)

    one, other = (reviewing.reviewing(found, some, now=now, injected=(), is_ending=False) for some in (policies, shuffled))
    assert finished(one) == finished(other)


# --- updates --------------------------------------------------------------------------------------------------------------------------


def test_a_finalizer_can_be_taken_off_a_bad_pod(decide):
    """And labels, and anything else that changes no image: such an update is not even judged."""
    old = pod(LATEST, BARE | {"name": "side"}, metadata={"finalizers": ["example.com/wait"]})

    assert reviewing.ALLOWED == decide(asked(pod(LATEST, BARE | {"name": "side"}), old), policy())


def test_an_update_is_denied_only_for_what_it_brings(decide):
    """The image of web was latest before, and stays so; that of side was not."""
    old = pod(LATEST, container("side"))
    new = pod(container(image="other:latest"), container("side", image="side"))
    decision = decide(asked(new, old), policy())

    assert not decision.allowed
    assert ("latest_tag",) == decision.denied
    assert "container side" in decision.message
    assert "container web" not in decision.message
    assert any("container web" in warning for warning in decision.warnings)


def test_a_better_image_is_taken_though_all_else_stays_bad(decide):
    """An emergency: what was wrong before must not stand in the way of the mend."""
    severe = {"severityOverrides": {"missingLiveness": "critical"}}

    assert decide(asked(pod(BARE | {"image": "app:2"}), pod(BARE)), policy(**ALL, **severe)).allowed
    assert not decide(asked(pod(BARE)), policy(**ALL, **severe)).allowed


def _judgements(new, old, *policies):
    """How often a pod is judged until there is a decision: a review lets others have their turn between two of them."""
    found = subject(answers.read("application/json", body(asked(new, old))))
    now = dt.datetime(2026, 11, 21, tzinfo=dt.UTC)
    return 1 + sum(1 for _ in reviewing.reviewing(found, policies, now=now, injected=(), is_ending=False))


def test_the_pod_as_it_was_is_judged_only_until_all_that_would_be_denied_is_found():
    """By nobody where nothing is; else policy by policy."""
    three = [policy(f"p{number}") for number in range(3)]
    bad, other = pod(container(image="app:latest")), pod(container(image="other:latest"))
    good = pod(container())

    assert 3 == _judgements(good, bad, *three)
    assert 3 + 1 == _judgements(other, bad, *three)
    assert 3 + 3 == _judgements(bad, good, *three)
    assert 3 + 2 == _judgements(other, bad, policy("a", requireLivenessProbe=True), *three[:2])


@pytest.mark.parametrize("operation", ["DELETE", "CONNECT"])
def test_deletion_and_the_like_are_never_judged(decide, operation):
    assert reviewing.ALLOWED == decide(asked(None, pod(LATEST), operation=operation), policy())


def test_nothing_is_denied_in_a_namespace_that_ends(decide):
    """Updates still come, and must not keep pods from going."""
    decision = decide(asked(pod(container(image="app")), pod(container())), policy(), is_ending=True)

    assert decision.allowed
    assert decision.warnings


def test_a_pod_that_is_over_passes(decide):
    over = pod(LATEST, metadata={"deletionTimestamp": "2026-11-21T12:00:00Z"})

    assert reviewing.ALLOWED == decide(asked(over, pod(container())), policy())


# --- which container, which resource --------------------------------------------------------------------------------------------------


def test_of_init_containers_only_the_image_is_looked_at_and_of_sidecars_all(decide):
    """The former cannot have probes (KEP-753)."""
    init = {"name": "init", "image": "app:latest"}
    decision = decide(asked(pod(container(), initContainers=[init])), policy(mode="audit"))
    sidecar = decide(asked(pod(container(), initContainers=[init | {"restartPolicy": "Always"}])), policy(mode="audit"))

    assert ("latest_tag",) == decision.warned
    assert {"latest_tag", "missing_liveness", "missing_readiness", "missing_resources"} == set(sidecar.warned)


def test_of_ephemeral_containers_only_the_image_is_looked_at(decide):
    """`kubectl debug` is denied for nothing else, whatever the pod it looks into."""
    before = pod(BARE, LATEST | {"name": "bad"})
    fine = pod(BARE, LATEST | {"name": "bad"}, ephemeralContainers=[{"name": "debug", "image": "busybox:1.37"}])
    latest = pod(BARE, LATEST | {"name": "bad"}, ephemeralContainers=[{"name": "debug", "image": "busybox"}])
    severe = policy(**ALL, severityOverrides={"missingLiveness": "critical", "missingResources": "critical"})

    assert (True, ()) == (decide(asked(fine, before, sub="ephemeralcontainers"), severe).allowed, ())
    assert "container debug" in decide(asked(latest, before, sub="ephemeralcontainers"), severe).message


def test_a_second_debugger_is_not_blamed_for_the_first(decide):
    first = {"name": "one", "image": "busybox"}
    second = {"name": "two", "image": "busybox:1"}
    decision = decide(
        asked(pod(container(), ephemeralContainers=[first, second]), pod(container(), ephemeralContainers=[first]), sub="ephemeralcontainers"),
        policy(),
    )

    assert decision.allowed


def test_a_resize_is_judged_by_resources_alone(decide):
    severe = policy(**ALL, severityOverrides={"missingResources": "high", "missingLiveness": "critical"})
    old = pod(container(livenessProbe=None, image="app"))
    taken = decide(asked(pod(container(livenessProbe=None, image="app", resources=None)), old, sub="resize"), severe)

    assert ("missing_resources",) == taken.denied
    assert decide(asked(old, old, sub="resize"), severe).allowed


@pytest.mark.parametrize("sub", ["status", "binding", "eviction", "log"])
def test_other_subresources_pass(decide, sub):
    """A configuration of a newer release may ask for what this one does not know."""
    assert reviewing.ALLOWED == decide(asked(pod(LATEST), pod(container()), sub=sub), policy())


def test_injected_containers_are_only_asked_for_their_image(decide):
    """Nobody who could mend them wrote them. Their name alone excuses nobody from pinning an image."""
    proxy = BARE | {"name": "istio-proxy", "image": "proxy"}
    decision = decide(asked(pod(container(), proxy)), policy(mode="audit"), injected=("istio-proxy",))

    assert ("latest_tag",) == decision.warned


# --- who asks -------------------------------------------------------------------------------------------------------------------------


@pytest.mark.parametrize(
    ("annotated", "groups", "passes"),
    [(True, ["system:nodes"], True), (True, ["system:authenticated"], False), (False, ["system:nodes"], False)],
    ids=["the kubelet's mirror pod", "a user's pod with that annotation", "a node's other pod"],
)
def test_only_kubelets_mirror_pods_pass_for_who_asks(decide, annotated, groups, passes):
    metadata = {"annotations": {MIRROR: "1"}} if annotated else {}

    assert passes == decide(asked(pod(LATEST, metadata=metadata), userInfo={"username": "x", "groups": groups}), policy()).allowed


@pytest.mark.parametrize("user", ["system:admin", "system:serviceaccount:steward:steward-policy", "system:kube-controller-manager"])
def test_nobody_else_is_let_through_for_who_they_are(decide, user):
    assert not decide(asked(pod(LATEST), userInfo={"username": user, "groups": ["system:masters"]}), policy()).allowed


# --- workloads ------------------------------------------------------------------------------------------------------------------------


def kind(group, name):
    """The part of a request that says what it is about."""
    return {
        "kind": {"group": group, "version": "v1", "kind": name},
        "resource": {"group": group, "version": "v1", "resource": f"{name.lower()}s"},
    }


def deployment(*containers):
    return {
        "metadata": {"name": "web", "namespace": "shop"},
        "spec": {"template": {"metadata": {"creationTimestamp": None}, "spec": {"containers": list(containers)}}},
    }


def test_a_workload_is_warned_about_and_never_denied(decide):
    """Nobody reads the warnings of a pod that a controller makes; and the warning says that it is about the template."""
    decision = decide(asked(deployment(LATEST), **kind("apps", "Deployment")), policy())

    assert decision.allowed
    assert ("Pod template: DevOpsPolicy strict: container web: ",) == tuple(one[:50] for one in decision.warnings)


def test_a_cronjobs_template_lies_deeper_and_jobs_need_no_probes(decide):
    job = {"metadata": {"name": "web"}, "spec": {"jobTemplate": {"spec": {"template": {"spec": {"containers": [BARE]}}}}}}

    assert ("missing_resources",) == decide(asked(job, **kind("batch", "CronJob")), policy()).warned


@pytest.mark.parametrize("sub", ["", "scale"])
def test_kinds_without_a_template_pass(decide, sub):
    assert reviewing.ALLOWED == decide(asked({"spec": 3}, sub=sub, **kind("example.com", "Widget")), policy())


# --- exemptions -----------------------------------------------------------------------------------------------------------------------


def exemption(**changes):
    return {"checks": ["latest_tag"], "reason": "vendor image", "expires": "2027-01-01T00:00:00Z"} | changes


def test_an_exemption_acts_and_the_audit_log_says_so(decide):
    decision = decide(asked(pod(LATEST)), policy(**ALL, exemptions=[exemption()]))

    assert (True, ()) == (decision.allowed, decision.warnings)
    assert "strict: latest_tag(web): vendor image" == decision.notes["exempted"]


def test_an_exemption_that_has_ended_is_told_of(decide):
    decision = decide(asked(pod(LATEST)), policy(**ALL, exemptions=[exemption(expires="2026-11-01T00:00:00Z")]))

    assert not decision.allowed
    assert ("DevOpsPolicy strict: the exemption from latest_tag of container web ended at 2026-11-01T00:00:00Z: vendor image",) == decision.warnings


def test_exemptions_fit_by_labels_for_a_pod_that_has_no_name_yet(decide):
    """generateName: the request has no name, and each pod another."""
    labelled = pod(LATEST, metadata={"name": "", "generateName": "web-", "labels": {"app": "web"}})

    assert decide(asked(labelled, name=""), policy(**ALL, exemptions=[exemption(matchLabels={"app": "web"})])).allowed
    assert not decide(asked(labelled, name=""), policy(**ALL, exemptions=[exemption(matchLabels={"app": "db"})])).allowed


def test_the_namespace_is_that_of_the_request(decide):
    """The object may not have it yet; policies were chosen by the request's."""
    nameless = pod(LATEST, metadata={"namespace": ""})

    assert not decide(asked(nameless), policy()).allowed


# --- what is kept ---------------------------------------------------------------------------------------------------------------------


def test_the_audit_log_keeps_policies_and_violations_and_no_score_of_its_own(decide):
    decision = decide(asked(pod(LATEST | {"livenessProbe": None}, container("side"))), policy())

    assert {
        "policies": "strict",
        "violations": "latest_tag(web)=high, missing_liveness(web)=medium",
    } == decision.notes


def test_a_dry_run_is_judged_like_any_other(decide):
    assert decide(asked(pod(LATEST)), policy()) == decide(asked(pod(LATEST), dryRun=True), policy())


def test_asked_twice_the_answer_is_the_same(decide):
    """The API server repeats calls; a review remembers none."""
    first, second = (decide(asked(pod(LATEST, BARE | {"name": "side"}), uid=uid), policy()) for uid in ("a", "b"))

    assert first == second


def test_the_review_has_nobody_to_ask():
    """No client among its arguments: a review that asked the API server could starve the seats it waits in."""
    assert ["subject", "policies", "now", "injected", "is_ending"] == list(inspect.signature(reviewing.reviewing).parameters)
    assert [] == [word for word in ("runtime.client", "runtime.transport", "asyncio") if word in inspect.getsource(reviewing)]
