"""The grammar of label selectors. tests/contract holds the table to a real API server."""

import pytest

from steward.runtime.selector import check, is_key
from support.label_selectors import ACCEPTED, REFUSED


@pytest.mark.parametrize("text", ACCEPTED, ids=repr)
def test_what_the_server_takes_is_taken(text):
    check(text)


@pytest.mark.parametrize(("text", "said"), REFUSED, ids=[repr(text) for text, _ in REFUSED])
def test_what_the_server_refuses_is_refused_with_the_place(text, said):
    with pytest.raises(ValueError) as caught:
        check(text)

    assert said == str(caught.value)


@pytest.mark.parametrize("key", ["a", "A", "a.b_c-d", "example.com/a", "a-b.c/D", "a" * 63, "a" * 253 + "/b"], ids=lambda key: key[:20])
def test_a_key_is_a_name_with_or_without_a_domain(key):
    assert is_key(key)


@pytest.mark.parametrize("key", ["", "/", "/a", "a/", "a/b/c", "-a", "a-", "A.com/a", "a..b/c", "a b", "a\n", "ä", "a" * 64, "a" * 254 + "/b"])
def test_anything_else_is_no_key(key):
    assert not is_key(key)
