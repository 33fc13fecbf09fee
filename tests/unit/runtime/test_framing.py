"""Where an answer begins and ends, however the bytes arrive."""

import contextlib
import itertools

import pytest
from hypothesis import given
from hypothesis import strategies as st

from steward.runtime.framing import HEAD_LIMIT, Broken, Framing

INTERIM = (b"HTTP/1.1 100 Continue\r\n\r\n", b"HTTP/1.1 103 Early Hints\r\nLink: </x>\r\nContent-Length: 9\r\nRetry-After: 9\r\n\r\n")


def _sized(body: bytes, _: list[int]) -> bytes:
    return b"Content-Length: %d\r\n\r\n%s" % (len(body), body)


def _chunked(body: bytes, cuts: list[int]) -> bytes:
    pieces = [piece for piece in _cut(body, cuts) if piece]
    chunks = b"".join(b"%x;extension=1\r\n%s\r\n" % (len(piece), piece) for piece in pieces)
    return b"Transfer-Encoding: Chunked\r\n\r\n%s0\r\nRetry-After: 99\r\n\r\n" % chunks


def _until_close(body: bytes, _: list[int]) -> bytes:
    return b"\r\n" + body


def _cut(data: bytes, cuts: list[int]) -> list[bytes]:
    places = sorted({0, len(data), *(cut % (len(data) + 1) for cut in cuts)})
    return [data[one:other] for one, other in itertools.pairwise(places)]


CUTS = st.lists(st.integers(0, 10_000), max_size=12)


@st.composite
def answers(draw):
    """An answer, what it means, and whether the end of the connection ends it."""
    body = draw(st.binary(max_size=200))
    framed = draw(st.sampled_from([_sized, _chunked, _until_close]))
    status = draw(st.sampled_from([200, 201, 404, 429, 503]))
    wait = draw(st.none() | st.integers(0, 99).map(str))
    interim = b"".join(draw(st.lists(st.sampled_from(INTERIM), max_size=2)))
    header = f"Retry-After: {wait}\r\n".encode() if wait else b""
    raw = interim + b"HTTP/1.1 %d Whatever\r\nDate: now\r\n" % status + header + framed(body, draw(CUTS))
    return raw, (status, wait, body), framed is _until_close


@given(answers(), CUTS)
def test_an_answer_is_the_same_however_it_is_cut(answer, cuts):
    raw, meant, ends_by_closing = answer
    framing = Framing()
    for piece in _cut(raw, cuts):
        assert not framing.complete
        framing.feed(piece)
    if ends_by_closing:
        assert not framing.complete
        framing.end()

    assert framing.complete
    assert meant == (framing.status, framing.retry_after, framing.take())
    assert framing.reusable is not ends_by_closing


@given(answers(), st.integers(0, 10_000))
def test_half_an_answer_is_never_taken_for_a_whole_one(answer, cut):
    raw, _, ends_by_closing = answer
    raw = raw[: cut % len(raw)]
    framing = Framing()
    if raw:
        framing.feed(raw)
    assert not framing.complete
    if not (ends_by_closing and framing.headed):
        with pytest.raises(Broken) as caught:
            framing.end()
        assert caught.value.unanswered is not bool(raw)


@given(st.lists(answers().filter(lambda answer: not answer[2]), min_size=2, max_size=4), CUTS)
def test_answers_on_one_connection_are_told_apart(following, cuts):
    framing = Framing()
    for raw, meant, _ in following:
        framing.next()
        for piece in _cut(raw, cuts):
            framing.feed(piece)
        assert framing.complete
        assert meant == (framing.status, framing.retry_after, framing.take())


@given(st.binary(max_size=300), CUTS)
def test_noise_is_an_error_of_ours_or_not_an_answer(noise, cuts):
    framing = Framing()
    with contextlib.suppress(Broken):
        for piece in _cut(noise, cuts):
            framing.feed(piece)
    assert not framing.complete


@given(answers(), st.integers(0, 10_000), st.integers(0, 255))
def test_a_damaged_answer_is_an_error_of_ours_or_an_answer(answer, place, byte):
    damaged = bytearray(answer[0])
    damaged[place % len(damaged)] = byte
    framing = Framing()
    with contextlib.suppress(Broken):
        framing.feed(bytes(damaged))
        framing.end()
    assert framing.headed or not framing.complete


@pytest.mark.parametrize(
    ("raw", "said"),
    [
        (b"SSH-2.0-OpenSSH_9.6\r\n", "not HTTP/1.1"),
        (b"HTTP/1.1 200 OK\r\nContent-Length: 3\r\nContent-Length: 4\r\n\r\nabc", "not HTTP/1.1"),
        (b"HTTP/1.1 200 OK\r\nContent-Length: 3\r\nTransfer-Encoding: chunked\r\n\r\n0\r\n\r\n", "not HTTP/1.1"),
        (b"HTTP/1.1 200 OK\r\nContent-Length: +3\r\n\r\nabc", "not HTTP/1.1"),
        (b"HTTP/1.1 200 OK\nContent-Length: 3\n\nabc", "not HTTP/1.1"),
        (b"HTTP/1.1 101 Switching Protocols\r\nConnection: upgrade\r\nUpgrade: x\r\n\r\n", "changes the protocol"),
        (b"HTTP/1.1 200 OK\r\nContent-Encoding: gzip\r\n\r\n", "Content-Encoding: 'gzip', which nobody asked for"),
        (b"HTTP/1.1 200 OK\r\nTransfer-Encoding: gzip, chunked\r\n\r\n", "Transfer-Encoding: 'gzip, chunked', which nobody asked for"),
        (b"HTTP/1.1 200 OK\r\nContent-Length: 1\r\n\r\naHTTP/1.1 200 OK\r\n", "more than one answer"),
        (b"HTTP/1.1 200 OK\r\nContent-Length: 1\r\nConnection: close\r\n\r\nab", "not HTTP/1.1"),
        (b"HTTP/1.1 200 OK\r\nX: " + b"x" * (HEAD_LIMIT + 1), "a head of more than 65536 bytes"),
        (INTERIM[0] * 3000, "a head of more than 65536 bytes"),
    ],
    ids=[
        "another protocol", "two lengths", "length and chunks", "length with a sign", "bare line feeds", "protocol changed", "compressed",
        "coded", "two answers", "more after close", "endless head", "endless interim answers",
    ],
)  # fmt: skip
def test_what_is_no_answer_is_refused(raw, said):
    with pytest.raises(Broken, match=said):
        Framing().feed(raw)


@pytest.mark.parametrize(
    ("head", "reusable"),
    [
        (b"HTTP/1.1 200 OK\r\nContent-Length: 0\r\n\r\n", True),
        (b"HTTP/1.1 204 No Content\r\n\r\n", True),
        (b"HTTP/1.1 200 OK\r\nContent-Length: 0\r\nConnection: close\r\n\r\n", False),
        (b"HTTP/1.0 200 OK\r\nContent-Length: 0\r\n\r\n", False),
        (b"HTTP/1.0 200 OK\r\nContent-Length: 0\r\nConnection: keep-alive\r\n\r\n", True),
    ],
    ids=["1.1", "no content", "close", "1.0", "1.0 that is kept"],
)
def test_whether_the_server_reads_on_is_known_from_the_head(head, reusable):
    framing = Framing()
    framing.feed(head)

    assert (True, reusable) == (framing.complete, framing.reusable)
