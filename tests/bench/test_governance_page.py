"""What the benchmark of governance consists of, and its part of the page."""

from collections import Counter

import pytest

from harness import report
from harness.governance import background, course, nextdoor, plan, webhooks
from harness.governance import report as governance_report

STEPS = [step.name for step in course.steps(plan.STANDARD)]


def test_every_step_has_a_name_of_its_own():
    assert [] == [name for name, count in Counter(STEPS).items() if count > 1]


def test_peers_take_turns_forth_and_back():
    taken = [step.peer for step in plan.steps(plan.WIRE, 2, ["a", "b", "c"])]

    assert taken == ["a", "b", "c", "c", "b", "a"]


def test_a_page_that_is_published_rests_on_five_rounds():
    assert plan.STANDARD.rounds >= 5


def test_rates_come_after_what_they_are_taken_from():
    assert plan.PARTS.index(plan.WIRE) < min(plan.PARTS.index(plan.RATE), plan.PARTS.index(plan.NEXT_DOOR))


@pytest.fixture
def section(journal_of):
    return governance_report.section(journal_of({"Steward": 1_000.0, "Go handler": 2_000.0}, p99={"Steward": 6.0, "Go handler": 3.0}))


def test_a_figure_stands_with_its_ratio_to_the_handler_in_go(section):
    assert "| Reviews/s over 8 connections | 1,000 (0.50) | 2,000 | - |" in section


def test_a_promise_stands_with_what_was_found(section):
    assert "| 99th percentile of a review, 8 connections | 5 ms | 6 ms | 6 | **missed** |" in section
    assert "| CPU of a review of a pod of 10 kB, six checks by three policies | 150 µs | not measured |  | - |" in section


def test_no_placeholder_of_the_text_stays(section):
    assert "{" not in section


def test_one_part_of_the_page_is_written_without_touching_the_other(tmp_path, journal, journal_of):
    governance_report.write(tmp_path, journal_of({"Steward": 1.0}))
    report.write(tmp_path, journal)
    both = (tmp_path / "performance.md").read_text()

    governance_report.write(tmp_path, journal_of({"Steward": 1.0}))
    report.write(tmp_path, journal)

    assert both.startswith("<!-- Written by")
    assert both.index("## Promises") < both.index("## Governance")
    assert (tmp_path / "performance.md").read_text() == both


def test_every_row_is_a_figure_that_is_measured(repository):
    sources = [path.read_text() for path in (repository / "bench" / "harness" / "governance").glob("*.py") if path.name != "report.py"]
    measured = "".join(sources)
    # These are put together from the name of what is measured.
    made = {f"{name}_{what}" for name in ("created", "changed") for what in ("seconds", "cpu_seconds", "requests", "writes", "written_bytes")}
    made |= {f"review_{name}_microseconds" for name in ("good", "bad", "twenty_containers", "update", "hundred_containers")}

    rows = [row.name for rows in governance_report.ROWS.values() for row in rows]
    assert [] == [name for name in rows if f'"{name}"' not in measured and name not in made]


def test_every_part_has_a_title_rows_and_peers():
    for part in plan.PARTS:
        assert part in governance_report.TITLES
        assert governance_report.ROWS[part]
        assert governance_report.AGAINST.get(part, webhooks.GO.name) in course.PEERS[part] or part in (plan.REVIEW, plan.SCORES)


def test_steward_is_in_every_part():
    ours = {webhooks.STEWARD.name, background.STEWARD.name, nextdoor.BUSY}

    assert all(ours & set(course.PEERS[part]) for part in plan.PARTS)
