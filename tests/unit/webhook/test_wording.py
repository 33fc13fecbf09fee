"""Warnings as the API server takes them: it cuts what is longer, and drops what is no header."""

import datetime as dt

import pytest
from hypothesis import given
from hypothesis import strategies as st

from steward.governance.combining import finished
from steward.webhook import answers
from steward.webhook.review import reviewing
from steward.webhook.subject import subject
from steward.webhook.wording import MESSAGE_LIMIT, NOTE_LIMIT, WARNING_LIMIT, WARNINGS_LIMIT
from support.admission import asked, body, pod, policy
from support.containers import container

MANY = pod(*(container(f"c{number:03}", image=f"app{number}") for number in range(100)))


def test_many_warnings_end_with_how_many_more(decide):
    warnings = decide(asked(MANY), policy(mode="audit")).warnings
    told = len(warnings) - 1

    assert f"and {100 - told} more" == warnings[-1]
    assert 10 < told < 100
    assert sum(map(len, warnings)) <= WARNINGS_LIMIT


def test_a_denial_of_many_containers_ends_too(decide):
    message = decide(asked(MANY), policy()).message

    assert len(message) <= MESSAGE_LIMIT
    assert message.endswith(" more")


@pytest.mark.parametrize("image", ["приложение", "app\r\nX: y", "app\x00", "a" * 5000], ids=["no ASCII", "a line break", "a zero", "long"])
def test_a_warning_is_one_line_of_ascii(decide, image):
    (warning,) = decide(asked(pod(container(image=image))), policy(mode="audit")).warnings

    assert len(warning) <= WARNING_LIMIT
    assert warning.isascii()
    assert warning.isprintable()


@given(st.lists(st.text(max_size=300), min_size=1, max_size=40))
def test_whatever_images_are_called_the_limits_hold(images):
    bad = pod(*(container(f"c{number}", image=image) for number, image in enumerate(images)))
    found = subject(answers.read("application/json", body(asked(bad))))
    decision = finished(reviewing(found, [policy(mode="audit")], now=dt.datetime(2026, 1, 1, tzinfo=dt.UTC), injected=(), is_ending=False))

    assert all(len(one) <= WARNING_LIMIT and one.isascii() and one.isprintable() for one in decision.warnings)
    assert sum(map(len, decision.warnings)) <= WARNINGS_LIMIT
    assert all(len(note) <= NOTE_LIMIT for note in decision.notes.values())
