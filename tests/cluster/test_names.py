"""One annotation, one name: what the cluster's DNS answers in the life of a pod."""

import statistics

import pytest
from cluster.support.wait import until
from demolib import workloads

KINDS = ("deployment", "job", "bare")
ANNOTATIONS = (workloads.ANNOTATION, workloads.LEGACY_ANNOTATION)
STUBBORN = "import signal as s; s.pthread_sigmask(s.SIG_BLOCK, {s.SIGTERM}); s.sigwait({s.SIGUSR1})"
"""Ends at SIGKILL only."""
MEASURED_PODS = 8
LIMIT_SECONDS = 5.0
"""From a pod's address to its name: what an application that starts can be made to wait. The figure itself is printed."""


@pytest.fixture(scope="module", autouse=True)
def release(releases):
    """A release with the chart's defaults."""
    release = releases("test-names-steward")
    release.install()
    return release


def start(team, kind, annotation):
    """Start pods of a kind of workload; how they are selected, and how many there are."""
    wanted = workloads.asking(annotation)
    name = f"{kind}-{'legacy' if annotation == workloads.LEGACY_ANNOTATION else 'own'}"
    if kind == "bare":
        team.apply(*(workloads.bare(f"{name}-{letter}", team.spec, wanted, labels={"app": name}) for letter in "ab"))
    else:
        make = {"deployment": workloads.deployment, "job": workloads.job}[kind]
        team.apply(make(name, team.spec, 2, wanted))
    return f"app={name}", 2


@pytest.mark.parametrize("annotation", ANNOTATIONS, ids=["own annotation", "legacy annotation"])
@pytest.mark.parametrize("kind", KINDS)
def test_every_annotated_pod_has_a_name_that_is_its_address(team, kind, annotation):
    """In another pod, <pod>.<namespace>.svc is exactly the pod's address, for the DNS and for any program; SRV knows its named port."""
    selector, number = start(team, kind, annotation)

    for pod, address in team.addresses(selector, number).items():
        team.until_answered(pod, address)
        assert [address] == team.getaddrinfo(f"{pod}.{team.namespace}.svc")
        (port,) = team.ask(f"_http._tcp.{team.full_name(pod)}/SRV")
        assert [f"{pod}.{team.full_name(pod)}:{workloads.PORT}"] == port["answers"]


def test_a_pod_without_the_annotation_has_no_name(team):
    """Neither a Service nor an answer, while one that was created after it has both."""
    team.apply(workloads.bare("silent", team.spec, annotations={}), workloads.bare("speaking", team.spec))
    team.until_answered("speaking", team.address("speaking"))

    assert team.get("service", "silent") is None
    assert "NXDOMAIN" == team.answer("silent")["code"]


def test_a_deleted_pod_is_not_answered_and_a_new_one_of_its_name_has_its_own_address(team):
    """The name never leads to the old address again."""
    team.apply(workloads.bare("again", team.spec))
    old = team.address("again")
    team.until_answered("again", old)

    team.delete("pod", "again")
    team.until_unknown("again")

    team.apply(workloads.bare("again", team.spec))
    new = team.address("again")
    assert old != new
    team.until_answered("again", new)


def test_a_pod_that_terminates_loses_its_name_before_it_is_gone(team):
    """From the moment it is asked to stop, nobody new is sent to it."""
    team.apply(workloads.bare("leaving", workloads.spec(team.cluster.image, STUBBORN, grace=30)))
    team.until_answered("leaving", team.address("leaving"))

    team.kubectl("delete", "pod", "leaving", "--wait=false")
    team.until_unknown("leaving")

    assert "deletionTimestamp" in team.get("pod", "leaving")["metadata"]
    team.kubectl("delete", "pod", "leaving", "--force", "--grace-period=0")


def test_a_pod_that_has_ended_loses_its_name(team):
    """A completed Job keeps its pods, and their addresses go to others."""
    team.apply(workloads.job("done", workloads.spec(team.cluster.image, "import time; time.sleep(5)"), 1, workloads.asking()))
    ((pod, address),) = team.addresses("app=done", 1).items()
    team.until_answered(pod, address, timeout=5)

    team.kubectl("wait", "job", "done", "--for=condition=Complete", "--timeout=60s")
    team.until_unknown(pod)

    assert "Succeeded" == team.get("pod", pod)["status"]["phase"]


def test_a_pod_whose_annotation_is_taken_away_loses_its_name(team):
    """And gets it back with the annotation."""
    team.apply(workloads.bare("fickle", team.spec))
    address = team.address("fickle")
    team.until_answered("fickle", address)

    team.kubectl("annotate", "pod", "fickle", f"{workloads.ANNOTATION}-")
    team.until_unknown("fickle")

    team.kubectl("annotate", "pod", "fickle", f"{workloads.ANNOTATION}=true")
    team.until_answered("fickle", address)


def test_a_foreign_service_of_the_pods_name_is_left_alone_until_it_goes(team):
    """It stays as it is to the last byte, an Event on the pod says so, and its deletion makes room."""
    foreign = {"apiVersion": "v1", "kind": "Service", "metadata": {"name": "taken"}, "spec": {"ports": [{"port": 80}]}}
    team.apply(foreign)
    before = team.get("service", "taken")

    team.apply(workloads.bare("taken", team.spec))
    address = team.address("taken")
    until("an Event tells of the conflict", lambda: "HeadlessServiceNameConflict" in reasons(team, "taken"), last=lambda: reasons(team, "taken"))
    assert before == team.get("service", "taken")

    team.delete("service", "taken")
    team.until_answered("taken", address)


def test_a_second_release_with_pods_of_its_own_leaves_these_alone(team, releases):
    """Each serves what its selector or its namespaces say; neither takes the other's Services for leftovers."""
    other = releases("test-names-other", name="other")
    team.apply(workloads.bare("ours", team.spec), workloads.bare("theirs", team.spec, labels={"served-by": "other"}))
    team.until_answered("ours", team.address("ours"))
    before = team.get("service", "ours")

    other.install({"components": {"headless": {"config": {"podSelector": "served-by=other"}}}})
    until("the second release leads", lambda: leader(other))
    team.apply(workloads.bare("ours-later", team.spec))
    team.until_answered("ours-later", team.address("ours-later"))
    other.uninstall()

    assert before == team.get("service", "ours")


def leader(release):
    """Who holds the lease of a release."""
    lease = release.cluster.get("lease", release.workload, "--namespace", release.namespace)
    return lease and lease["spec"].get("holderIdentity")


def test_from_address_to_answer_it_takes_a_moment(team, figure):
    """Of pods that start all at once, each gets its own address as its answer, in time for whoever waits for it."""
    names = [f"timed-{number}" for number in range(MEASURED_PODS)]

    with team.stopwatch("app=timed") as stopwatch:
        team.apply(*(workloads.bare(name, team.spec, labels={"app": "timed"}) for name in names))
        named = stopwatch.named(MEASURED_PODS, timeout=120)

    assert names == sorted(one.pod for one in named)
    assert [[one.address] for one in named] == [one.answers for one in named]
    seconds = [one.seconds for one in named]
    median, worst = statistics.median(seconds), max(seconds)
    figure(f"from a pod's address to the DNS' answer: median {median * 1000:.0f} ms, worst {worst * 1000:.0f} ms of {MEASURED_PODS} pods at once")
    assert worst < LIMIT_SECONDS


def reasons(team, pod):
    """The reasons of the Events on a pod."""
    found = team.select("events.events.k8s.io", "--field-selector", f"regarding.name={pod}")
    return sorted({event["reason"] for event in found if event["regarding"]["kind"] == "Pod"})
