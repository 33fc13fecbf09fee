"""The page of a run."""

import pytest

from harness import report
from harness.figures import Figure
from harness.journal import Entry
from harness.plan import REAL


def test_a_page_states_promise_finding_and_verdict(journal):
    page = report.page(journal)

    assert "| Ready among 10,000 pods, against client-go, as usual | 0.9 x | 0.6 x | 0.5 to 0.9 | kept |" in page
    assert "| CPU time per pod at 500 pods/s, against client-go, as usual | 1 x | 1.2 x | 1.1 to 1.3 | **missed** |" in page


def test_a_figure_stands_with_its_ratio_to_client_go(journal):
    assert "| Memory at 10,000 pods, MB | 90 (0.33) | 270 | 110 (0.41) |" in report.page(journal)


def test_what_one_server_or_peer_did_not_measure_is_a_dash(journal):
    journal.entries.append(Entry("late", (Figure(REAL, "kopf", "ready_seconds", 10_000, 1, 2.0),), None, 1, 0))

    page = report.page(journal)

    assert f"### At the {REAL}" in page
    assert "| Ready among 10,000 pods, s | - | - | - | 2.00 |" in page


def test_failures_are_listed_at_the_end(journal):
    assert report.page(journal).endswith("### What failed\n\n- fake server, round 2: kopf: Failed: it said nothing\n")


def test_a_run_without_failures_does_not_speak_of_them(journal):
    del journal.entries[1:]

    assert "What failed" not in report.page(journal)


@pytest.mark.parametrize(("share", "words"), [(0.4, "work of lower priority (nice) had 40% of the processors' time"), (0.0, "nothing else ran")])
def test_a_page_says_whether_the_machine_was_shared(journal, share, words):
    journal.entries[:] = [Entry(entry.step, entry.figures, entry.failure, entry.seconds, share) for entry in journal.entries]

    assert words in report.page(journal)


def test_no_placeholder_of_the_method_stays(journal):
    assert "{" not in report.page(journal)


def test_every_row_of_the_table_is_a_figure_that_is_measured(repository):
    measured = "".join((repository / "bench" / "harness" / name).read_text() for name in ("scenarios.py", "quiet.py"))

    assert [] == [row.name for row in report.ROWS if f'"{row.name}"' not in measured]
