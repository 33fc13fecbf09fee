"""Label selectors: what the API server would not take, found before it is asked. The grammar is that of apimachinery's ``labels.Parse``."""

from __future__ import annotations

import re
from collections import deque

_TOKEN = re.compile(r"[ \t\r\n]*(==|!=|[=!(),<>]|[^ \t\r\n=!(),<>]+)")
_SIGNS = frozenset(("", "==", "!=", *"=!(),<>"))
_NAME = re.compile(r"([A-Za-z0-9][-A-Za-z0-9_.]*)?[A-Za-z0-9]")
_DOMAIN = re.compile(r"[a-z0-9]([-a-z0-9]*[a-z0-9])?(\.[a-z0-9]([-a-z0-9]*[a-z0-9])?)*")
_LARGEST = 2**63 - 1


def check(text: str) -> None:
    """Accept what the API server accepts as a label selector; the empty one selects everything.

    Raises:
        ValueError: Says what was expected at which character, and what stands there.
    """
    words = _Words(text)
    if words.next:
        _check_requirement(words)
    while words.next:
        words.take(",", "a comma")
        _check_requirement(words)


def is_key(text: str) -> bool:
    """Whether a text may be the key of a label: a name, or a DNS name, a slash and a name (apimachinery, IsQualifiedName)."""
    domain, slash, name = text.rpartition("/")
    prefixed = not slash or (len(domain) <= 253 and _DOMAIN.fullmatch(domain) is not None)
    return prefixed and len(name) <= 63 and _NAME.fullmatch(name) is not None


class _Words:
    """What is left of a selector."""

    def __init__(self, text: str) -> None:
        self._left = deque((found[1], found.start(1) + 1) for found in _TOKEN.finditer(text))

    @property
    def next(self) -> str:
        """The next word or sign; empty at the end."""
        return self._left[0][0] if self._left else ""

    def take(self, sign: str, wanted: str) -> None:
        """Step over a sign that has to come now."""
        if self.next != sign:
            raise self.unexpected(wanted)
        self._left.popleft()

    def word(self, wanted: str, *, valid: bool = True) -> str:
        """Step over a word that has to come now."""
        if self.next in _SIGNS or not valid:
            raise self.unexpected(wanted)
        return self._left.popleft()[0]

    def unexpected(self, wanted: str) -> ValueError:
        """Something else stands here."""
        found = f'at character {self._left[0][1]}, found "{self.next}"' if self._left else "at the end"
        return ValueError(f"expected {wanted} {found}")


def _check_requirement(words: _Words) -> None:
    if words.next == "!":
        words.take("!", "")
        words.word("a label", valid=is_key(words.next))
        return
    words.word("a label", valid=is_key(words.next))
    match words.next:
        case "" | ",":
            return
        case "in" | "notin":
            words.word("")
            _check_values(words)
        case ">" | "<" as sign:
            words.take(sign, "")
            words.word("a whole number", valid=re.fullmatch("[0-9]{1,63}", words.next) is not None and int(words.next) <= _LARGEST)
        case "=" | "==" | "!=" as sign:
            words.take(sign, "")
            if words.next not in ("", ","):
                words.word("a value", valid=_is_value(words.next))
        case _:
            raise words.unexpected("=, !=, in, notin or a comma")


def _check_values(words: _Words) -> None:
    words.take("(", "a list in brackets")
    while words.next != ")":
        if words.next != ",":
            words.word("a value or )", valid=_is_value(words.next))
        if words.next != ")":
            words.take(",", "a comma or )")
    words.take(")", "")


def _is_value(text: str) -> bool:
    return len(text) <= 63 and _NAME.fullmatch(text) is not None
