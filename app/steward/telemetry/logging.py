"""Logs as events: a constant message and key-value pairs, one JSON object (or one line of text) each, on stderr.

``log = get_logger(__name__); log.info("watch ended", resource="pods", reason="expired")``. Constant messages can be counted and
searched for; what varies stands in the pairs. The standard library's logging is underneath, so the lines of libraries have the
same form. What looks like a credential is cut out of every line.
"""

from __future__ import annotations

import logging
import re
import sys
from contextvars import ContextVar, Token
from datetime import UTC, datetime
from types import TracebackType
from typing import Any, Literal, Self, TextIO

import msgspec

Level = Literal["debug", "info", "warning", "error"]
Format = Literal["json", "text"]

_FIELDS = "steward_fields"
_ABOUT: ContextVar[dict[str, object] | None] = ContextVar("about", default=None)
_SECRETS = re.compile(
    r"""(?P<scheme>\b(?:bearer|basic)\s+)[\w.~+/=-]{8,}     # an Authorization header
      | \beyJ[\w-]+\.[\w-]+\.[\w-]*                         # a JSON Web Token, such as a service account's
      | (?<=://)[^/\s:@"]+:[^/\s@"]+(?=@)                   # user and password of a URL
    """,
    re.IGNORECASE | re.VERBOSE,
)

_HINTS = ("bearer", "basic", "eyj", "://")
"""What is in every text that has one of those, in small letters."""


class Log:
    """A named logger whose methods take the constant message and the pairs.

    ``exc`` adds an exception with its traceback under the key ``exc``.
    """

    __slots__ = ("_logger",)

    def __init__(self, logger: logging.Logger) -> None:
        self._logger = logger

    def enabled(self, level: int) -> bool:
        """Whether a line of this level would be written: ask before making expensive pairs."""
        return self._logger.isEnabledFor(level)

    def debug(self, message: str, /, **fields: object) -> None:
        """For who follows a single object through the program."""
        self._write(logging.DEBUG, message, None, fields)

    def info(self, message: str, /, **fields: object) -> None:
        """Something happened that an operator wants to find later."""
        self._write(logging.INFO, message, None, fields)

    def warning(self, message: str, /, *, exc: BaseException | None = None, **fields: object) -> None:
        """Something is not as it should be, and the program copes."""
        self._write(logging.WARNING, message, exc, fields)

    def error(self, message: str, /, *, exc: BaseException | None = None, **fields: object) -> None:
        """Something failed that somebody should look at."""
        self._write(logging.ERROR, message, exc, fields)

    def _write(self, level: int, message: str, exc: BaseException | None, fields: dict[str, object]) -> None:
        if self._logger.isEnabledFor(level):
            around = _ABOUT.get()
            self._logger.log(level, message, exc_info=exc, extra={_FIELDS: fields if around is None else {**around, **fields}})


class about:  # noqa: N801 - used as a statement: with about(object=...)
    """Add pairs to every line of a :class:`Log` that is written inside, in tasks started there too; a pair of the line itself wins."""

    __slots__ = ("_fields", "_token")

    def __init__(self, **fields: object) -> None:
        self._fields = fields
        self._token: Token[dict[str, object] | None] | None = None

    def __enter__(self) -> Self:
        self._token = _ABOUT.set({**(_ABOUT.get() or {}), **self._fields})
        return self

    def __exit__(self, kind: type[BaseException] | None, error: BaseException | None, trace: TracebackType | None) -> None:
        """The pairs are gone again."""
        if self._token is not None:
            _ABOUT.reset(self._token)


def get_logger(name: str) -> Log:
    """The logger of a module; ``name`` is its dotted name."""
    return Log(logging.getLogger(name))


def configure(*, level: Level, format: Format, component: str, stream: TextIO | None = None) -> None:
    """Send every line of the process, those of libraries too, to one stream in one form.

    Args:
        level: Least level written.
        format: ``json`` for machines, ``text`` for terminals.
        component: Stands in every line.
        stream: Where to; standard error by default.
    """
    handler = logging.StreamHandler(stream or sys.stderr)
    handler.setFormatter(JSONFormatter(component) if format == "json" else TextFormatter(component))
    root = logging.getLogger()
    root.handlers[:] = [handler]
    root.setLevel(level.upper())
    # No line tells where it was logged, nor by which thread; finding out takes a third of its time (docs.python.org, Logging HOWTO, Optimization).
    logging._srcfile = None  # noqa: SLF001 - documented there
    logging.logThreads = logging.logProcesses = logging.logMultiprocessing = False
    logging.captureWarnings(capture=True)


def redact(text: str) -> str:
    """The text without what looks like a credential."""
    # Nearly no line has one; the expression takes twenty times as long to say so.
    lower = text.lower()
    if not any(hint in lower for hint in _HINTS):
        return text
    return _SECRETS.sub(lambda found: (found["scheme"] or "") + "[redacted]", text)


class JSONFormatter(logging.Formatter):
    """One JSON object a line: ts, level, logger, msg, component, the pairs, exc."""

    def __init__(self, component: str) -> None:
        super().__init__()
        self._component = component
        self._encode = msgspec.json.Encoder(enc_hook=_plain).encode

    def format(self, record: logging.LogRecord) -> str:
        """Render a record."""
        line = _base(record, self._component)
        for key, value in _pairs(record).items():
            line[key if key not in line else f"{key}_"] = value
        if record.exc_info and record.exc_info[1] is not None:
            line["exc"] = self.formatException(record.exc_info)
        return redact(self._encode(line).decode())


class TextFormatter(logging.Formatter):
    """``2026-01-31T12:00:00.000Z INFO steward.runtime.informer watch ended resource=pods``, the traceback on lines of its own."""

    def __init__(self, component: str) -> None:
        super().__init__()
        self._component = component

    def format(self, record: logging.LogRecord) -> str:
        """Render a record."""
        base = _base(record, self._component)
        pairs = "".join(f" {key}={_quoted(value)}" for key, value in _pairs(record).items())
        text = f"{base['ts']} {base['level'].upper()} {base['logger']} {base['msg']}{pairs}"
        if record.exc_info and record.exc_info[1] is not None:
            text += "\n" + self.formatException(record.exc_info)
        return redact(text)


def _base(record: logging.LogRecord, component: str) -> dict[str, Any]:
    moment = datetime.fromtimestamp(record.created, tz=UTC)
    return {
        "ts": moment.isoformat(timespec="milliseconds").replace("+00:00", "Z"),
        "level": record.levelname.lower(),
        "logger": record.name,
        "msg": record.getMessage(),
        "component": component,
    }


def _pairs(record: logging.LogRecord) -> dict[str, Any]:
    pairs: dict[str, Any] = getattr(record, _FIELDS, {})
    return pairs


def _plain(value: object) -> str:
    """What has no JSON form of its own: an exception with its class, all else as it prints."""
    return f"{type(value).__name__}: {value}" if isinstance(value, BaseException) else str(value)


def _quoted(value: object) -> str:
    text = _plain(value)
    return text if text and not re.search(r'[\s"=]', text) else msgspec.json.encode(text).decode()
