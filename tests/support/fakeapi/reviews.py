"""What the server answers when it is asked who somebody is, and what they may do. Nothing of it is kept."""

from collections.abc import Callable

from support.fakeapi.kinds import Object

ADMINISTRATORS = "system:masters"
"""Members of this group may do everything (kubernetes.io/docs, "Using RBAC Authorization")."""


class Reviews:
    """Answers reviews.

    Attributes:
        tokens: Users by their token, as TokenReview describes them.
        readers: Names of users and the paths that each may get.
    """

    def __init__(self, may: Callable[[str, str, str], bool]) -> None:
        self.tokens: dict[str, Object] = {}
        self.readers: set[tuple[str, str]] = set()
        self._may = may

    def status(self, kind: str, spec: Object) -> Object:
        """The status of a review of this kind."""
        if kind == "TokenReview":
            user = self.tokens.get(spec.get("token", ""))
            return {"authenticated": True, "user": user} if user else {"user": {}, "error": "invalid bearer token"}
        if kind == "SubjectAccessReview":
            wanted = spec.get("nonResourceAttributes") or {}
            may = wanted.get("verb") == "get" and (spec.get("user"), wanted.get("path")) in self.readers
            return {"allowed": may or ADMINISTRATORS in (spec.get("groups") or ())}
        wanted = spec.get("resourceAttributes") or {}
        return {"allowed": self._may(wanted.get("verb", ""), wanted.get("resource", ""), wanted.get("namespace", ""))}
