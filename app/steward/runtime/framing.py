"""Requests as bytes, and where an answer begins and ends in the bytes of a connection: HTTP/1.1 (RFC 9112), without I/O.

The grammar of answers is that of llhttp, the parser of Node.js, by way of httptools, in its strict mode: what could be read in two ways (a
length given twice, a length beside chunks, a bare line feed) is an error. What is left for this module is which of the bytes are the answer that
was asked for.
"""

from __future__ import annotations

import functools
import ssl
from collections.abc import Mapping
from urllib.parse import quote, urlencode

import httptools

from steward.telemetry.secret import Secret

HEAD_LIMIT = 64 << 10
"""Bytes of a head, interim answers included; more is no API server. Go's client allows 10 MB, its server 1 MB; a real head has some 500 bytes."""

_PATH = "/:@!$&'()*+,;=~"
"""What a path may hold besides letters and digits (RFC 3986, pchar)."""

_LENGTH, _CODING, _COMPRESSION, _RETRY_AFTER = range(4)
_OF_INTEREST = {b"content-length": _LENGTH, b"transfer-encoding": _CODING, b"content-encoding": _COMPRESSION, b"retry-after": _RETRY_AFTER}


class Broken(ConnectionError):
    """The connection cannot give the answer.

    Attributes:
        unsent: The connection was closed before a byte of the request was sent.
        unanswered: Not a byte of the answer had come: the server may have closed the connection before it saw the request.
        insecure: TLS was refused, by us or by the server.
    """

    def __init__(self, message: str, *, unsent: bool = False, unanswered: bool = False, cause: BaseException | None = None) -> None:
        super().__init__(message)
        self.unsent = unsent
        self.unanswered = unanswered
        self.insecure = isinstance(cause, ssl.SSLError)


class Framing:
    """The answers on one connection, one at a time.

    Attributes:
        status: Status code of the answer.
        retry_after: Its Retry-After header.
        begun: At least a byte has come.
        headed: The head is whole; :attr:`status` and :attr:`retry_after` are known.
        complete: So is the body.
        reusable: The server will read another request from this connection. Known once ``headed``.
        held: Bytes of the body that were not taken yet.
    """

    def __init__(self) -> None:
        self._parser = httptools.HttpResponseParser(self)
        self._chunks: list[bytes] = []
        self.next()

    def next(self) -> None:
        """Be ready for the answer to the next request."""
        self.status = 0
        self.retry_after: str | None = None
        self.begun = self.headed = self.complete = self.reusable = False
        self.held = 0
        self._head_size = 0
        self._bounded = False

    def feed(self, data: bytes) -> None:
        """Take what came.

        Raises:
            Broken: It is not the answer to a request of ours.
        """
        self.begun = True
        try:
            self._parser.feed_data(data)
        except httptools.HttpParserUpgrade as error:
            raise Broken("the server changes the protocol, which nobody asked for") from error
        except httptools.HttpParserError as error:
            said = error.__context__ if isinstance(error.__context__, Broken) else f"not HTTP/1.1: {error}"
            raise Broken(str(said)) from error
        if not self.headed:
            self._head_size += len(data)
            if self._head_size > HEAD_LIMIT:
                raise Broken(f"a head of more than {HEAD_LIMIT} bytes")

    def end(self) -> None:
        """The server has closed the connection: an answer without a length ends by that.

        Raises:
            Broken: The answer is not whole.
        """
        if self.headed and not self._bounded:
            self.complete = True
        if not self.complete:
            said = "closed in the middle of an answer" if self.begun else "closed by the server"
            raise Broken(said, unanswered=not self.begun)

    def take(self) -> bytes:
        """What has come of the body since the last call."""
        chunks, self._chunks, self.held = self._chunks, [], 0
        return chunks[0] if len(chunks) == 1 else b"".join(chunks)

    # What httptools calls.

    def on_message_begin(self) -> None:
        """Called before each answer."""
        if self.complete:
            raise Broken("more than one answer to a request")

    def on_header(self, name: bytes, value: bytes) -> None:
        """Called with each header, and with each trailer after the body."""
        meaning = _OF_INTEREST.get(name.lower())
        if meaning is None or self.headed:
            return
        if meaning == _RETRY_AFTER:
            self.retry_after = value.decode("latin-1")
        elif meaning == _LENGTH or (meaning == _CODING and value.lower() == b"chunked"):
            self._bounded = True
        elif value.lower() != b"identity":
            raise Broken(f"{name.decode('latin-1')}: {value.decode('latin-1')!r}, which nobody asked for")

    def on_headers_complete(self) -> None:
        """Called after each head; interim answers (RFC 9110, 15.2) are skipped."""
        status = self._parser.get_status_code()
        if status >= 200:
            self.status, self.headed, self.reusable = status, True, self._parser.should_keep_alive()
        else:
            self.retry_after, self._bounded = None, False

    def on_body(self, data: bytes) -> None:
        """Called with each piece of a body."""
        self._chunks.append(data)
        self.held += len(data)

    def on_message_complete(self) -> None:
        """Called after each answer."""
        self.complete = self.headed


def request_target(path: str, query: Mapping[str, str]) -> str:
    """Path and query as they are written in a request line."""
    written = quote(path, _PATH)
    return f"{written}?{_query(tuple(query.items()))}" if query else written


@functools.lru_cache(maxsize=256)
def _query(items: tuple[tuple[str, str], ...]) -> str:
    """Kept, because nearly all requests have one of a few."""
    return urlencode(items)


def header_lines(headers: Mapping[str, Secret]) -> str:
    """Headers as they are written, without the white space around their values.

    Raises:
        OSError: One of them would end its line, or is no ASCII.
    """
    lines = ""
    for name, value in headers.items():
        text = value.reveal().strip()
        if not (text.isascii() and text.isprintable()):
            raise OSError(f"header {name} cannot be sent: the token holds characters that no token has")
        lines += f"{name}: {text}\r\n"
    return lines
