"""From bytes to objects: what does not fit costs itself."""

import pytest

from steward.runtime import errors
from steward.runtime.answers import Answers, Sign
from support.things import THINGS

CALL = errors.Call("watch", "configmaps", "default")
GOOD = b'{"metadata":{"name":"good","namespace":"default","resourceVersion":"7"},"data":{"x":"1"}}'
NO_TEXT = b'{"metadata":{"name":"bad","namespace":"default"},"data":{"x":"\xff\xfe"}}'
WRONG_TYPE = b'{"metadata":{"name":"bad","namespace":"default"},"data":7}'
WRONG_LABELS = b'{"metadata":{"name":"bad","namespace":"default","labels":{"x":1}}}'
NAME_NO_TEXT = b'{"metadata":{"name":"\xff","namespace":"default"},"data":{"x":"1"}}'

broken = pytest.mark.parametrize(
    ("bad", "name"),
    [(NO_TEXT, "bad"), (WRONG_TYPE, "bad"), (WRONG_LABELS, "bad"), (NAME_NO_TEXT, ""), (b"[]", "")],
    ids=["bytes that are no text", "a wrong type", "labels of a wrong type", "a name that is no text", "no object at all"],
)


def _page(items: bytes) -> bytes:
    return b'{"metadata":{"resourceVersion":"9","continue":"more"},"items":' + items + b"}"


@pytest.mark.parametrize("items", [b"null", b"[]"])
def test_a_list_of_nothing_is_empty_however_it_is_written(items):
    """Aggregated API servers may write null."""
    page = Answers().page(THINGS, _page(items))

    assert ([], "9", "more") == (page.items, page.resource_version, page.token)


@broken
def test_an_object_that_cannot_be_decoded_costs_itself_in_a_list(bad, name):
    page = Answers().page(THINGS, _page(b"[" + bad + b"," + GOOD + b"]"))

    assert ["good"] == [item.metadata.name for item in page.items]
    assert [name] == [meta.name for meta in page.unreadable]
    assert "9" == page.resource_version


@broken
@pytest.mark.parametrize("kind", ["ADDED", "MODIFIED", "DELETED"])
def test_an_object_that_cannot_be_decoded_is_named_in_a_watch(bad, name, kind):
    sign = Answers().event(THINGS, CALL, b'{"type":"' + kind.encode() + b'","object":' + bad + b"}")

    assert isinstance(sign, Sign)
    assert (kind, name) == (sign.type, sign.metadata.name)


@pytest.mark.parametrize("body", [b"", b"no", b"\xff", b"[]", b'{"items":[]}', _page(b"7"), _page(b"[") + b'"\xff'], ids=str)
def test_what_is_no_list_is_one_kind_of_error(body):
    with pytest.raises(errors.DecodeError, match="configmaps"):
        Answers().page(THINGS, body)


def test_an_error_event_that_is_no_text_is_an_error_of_the_server():
    with pytest.raises(errors.ServerError):
        Answers().event(THINGS, CALL, b'{"type":"ERROR","object":{"kind":"Status","message":"\xff"}}')
