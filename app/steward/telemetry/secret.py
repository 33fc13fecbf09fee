"""A text that must not be seen: whoever prints, formats, logs or encodes it gets ``[redacted]`` or an error, never the text."""

from __future__ import annotations

import hmac
from typing import NoReturn

REDACTED = "[redacted]"


class Secret:
    """Holds a credential until it is sent.

    Only :meth:`reveal` gives the text, so a search for that word finds every place where it is used. Two are equal when their texts are.
    """

    __slots__ = ("_text",)

    def __init__(self, text: str) -> None:
        self._text = text

    def reveal(self) -> str:
        """The text, for whom it was made."""
        return self._text

    def __repr__(self) -> str:
        return REDACTED

    def __format__(self, spec: str) -> str:
        return REDACTED

    def __eq__(self, other: object) -> bool:
        return isinstance(other, Secret) and hmac.compare_digest(self._text.encode(), other._text.encode())

    def __hash__(self) -> int:
        return hash((Secret, self._text))

    def __reduce__(self) -> NoReturn:
        raise TypeError("a secret is not pickled")
