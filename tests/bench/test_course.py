"""Tiny runs of the real thing: Steward and client-go at the fake server."""

import subprocess
from dataclasses import replace

import pytest

from harness import course, quiet
from harness.journal import Journal
from harness.peers import STEWARD, USUAL, Peer
from harness.plan import FAKE, Plan, Stage

pytestmark = pytest.mark.timeout(600)  # the first test builds two Go programs, in minutes where nothing is cached

BROKEN = Peer("broken", lambda _: ["sh", "-c", "echo no such cluster; exit 3"], lambda _: ["false"])

TINY = Plan(
    name="tiny",
    rounds=1,
    stages=(Stage(FAKE, 50, (BROKEN, STEWARD, USUAL), (40,)), Stage(FAKE, 50, (STEWARD,), storm=20)),
    counted=(),
    rate_seconds=1,
    least_pods=20,
    settle_seconds=0,
    idle_pods=50,
    outage_seconds=2,
)


@pytest.fixture
def journal(tmp_path):
    return Journal(tmp_path / "kept.json", {})


def run(journal, plan, directory):
    course.run(journal, plan, servers=[FAKE], peers=[BROKEN, STEWARD, USUAL], directory=directory)


@pytest.mark.usefixtures("prepared")
def test_all_is_measured_and_a_peer_that_fails_costs_a_line(journal, tmp_path):
    run(journal, TINY, tmp_path)

    figures = journal.figures()
    assert journal.failures() == [f"{FAKE}, 50 pods, rates (40,), round 1: broken: Failed: the process has ended (3): no such cluster"]
    for peer in (STEWARD.name, USUAL.name):
        assert 0 < figures.median(FAKE, peer, "ready_seconds", 50) < 60
        assert 10e6 < figures.median(FAKE, peer, "memory_bytes", 50) < 300e6
        assert figures.median(FAKE, peer, "cpu_microseconds_per_pod", 40) > 0
        assert 0 < figures.median(FAKE, peer, "p50_milliseconds", 40) <= figures.median(FAKE, peer, "p99_milliseconds", 40)
    assert figures.median(FAKE, STEWARD.name, "storm_seconds", 20) > 0


@pytest.mark.usefixtures("prepared")
def test_a_run_that_was_broken_off_measures_only_what_is_missing(journal, tmp_path):
    plan = replace(TINY, stages=(Stage(FAKE, 50, (USUAL,)), Stage(FAKE, 60, (USUAL,))))
    run(journal, plan, tmp_path / "first")
    first, second = journal.entries
    del journal.entries[1]
    journal.write()

    again = Journal.read(journal.path)
    run(again, plan, tmp_path / "second")

    assert again.entries[0] == first
    assert (again.entries[1].step, again.entries[1].failure) == (second.step, None)
    assert again.entries[1].seconds != second.seconds


@pytest.mark.usefixtures("prepared")
def test_a_server_that_does_not_start_fails_its_steps_and_nothing_else(journal, tmp_path, monkeypatch):
    def broken(_):
        raise OSError("no such program: etcd")

    monkeypatch.setitem(course.OPENERS, FAKE, broken)

    run(journal, TINY, tmp_path)

    assert {"OSError: no such program: etcd"} == {entry.failure for entry in journal.entries}
    assert len(journal.entries) == 4


@pytest.mark.usefixtures("prepared")
def test_an_idle_hour_has_its_resyncs_and_an_outage_its_end(tmp_path, monkeypatch):
    # Twelve minutes instead of sixty: one resync, twelve bookmarks, some watches that end.
    monkeypatch.setattr(quiet, "HOUR", 720)
    idle, outage = counted = [kind(TINY, STEWARD, tmp_path / name) for name, kind in quiet.KINDS.items()]

    failures = quiet.together(counted)

    assert failures == [None, None]
    assert idle.values["idle_resyncs"] >= 1
    assert (idle.values["idle_writes"], idle.values["idle_lists"]) == (0, 0)
    assert idle.values["idle_watches"] > 0
    assert outage.values["outage_requests"] >= outage.values["outage_informer_requests"] > 0
    assert outage.values["outage_recovery_seconds"] > 0


@pytest.mark.parametrize("phase", ["begin", "count", "end"])
def test_one_that_fails_is_ended_and_the_others_go_on(phase):
    class Broken(Recorded):
        def attempt(self, what):
            super().attempt(what)
            if what == phase:
                raise OSError(what)

    broken, well = Broken(), Recorded()

    failures = quiet.together([broken, well])

    assert [str(failure) for failure in failures] == [phase, "None"]
    assert broken.done[-1] == "end"
    assert well.done == ["begin", "count", "end"]


class Recorded:
    """Something that is counted, and what was asked of it."""

    def __init__(self):
        self.done = []

    def attempt(self, what):
        self.done.append(what)

    def begin(self):
        self.attempt("begin")

    def count(self):
        self.attempt("count")

    def end(self):
        self.attempt("end")


@pytest.mark.parametrize("module", ["bench/load", "bench/peers/auditor", "bench/peers/client-go", "bench/peers/handler"])
@pytest.mark.usefixtures("prepared")
def test_go_vet_has_no_complaints(repository, module):
    done = subprocess.run(["go", "vet", "./..."], cwd=repository / module, capture_output=True, text=True, check=False)

    assert (done.returncode, done.stderr) == (0, "")
