"""What a run has done survives its end."""

import pytest

from harness.journal import Entry, Journal


def test_a_journal_is_read_as_it_was_written(journal):
    journal.write()

    read = Journal.read(journal.path)

    assert (journal.about, journal.entries) == (read.about, read.entries)


def test_every_step_is_on_disk_before_the_next_begins(tmp_path):
    journal = Journal(tmp_path / "new" / "kept.json", {"plan": "quick"})
    journal.write()

    journal.add(Entry("first", (), None, 1.0, 0.0))

    assert Journal.read(journal.path).has("first")
    assert not Journal.read(journal.path).has("second")


def test_a_write_that_was_broken_off_leaves_the_steps_before_it(journal):
    journal.write()
    journal.path.with_suffix(".new").write_text('{"about": {')

    assert Journal.read(journal.path).entries == journal.entries


def test_a_failed_step_is_done_and_told(journal):
    assert journal.has("fake server, round 2: kopf")
    assert journal.failures() == ["fake server, round 2: kopf: Failed: it said nothing"]


def test_what_lower_priorities_had_is_weighed_by_the_length_of_the_steps(journal):
    assert (journal.minutes(), journal.niced()) == (2, pytest.approx(0.4))
