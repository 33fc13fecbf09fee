"""Asks the API server who the bearer of a token is (TokenReview), and whether they may read a path (SubjectAccessReview), as the kubelet does."""

from __future__ import annotations

import asyncio
import hashlib
from collections import OrderedDict
from typing import NamedTuple
from weakref import WeakValueDictionary

import msgspec

from steward.runtime import errors
from steward.runtime.client import Client
from steward.runtime.component import Right
from steward.runtime.resource import ObjectMeta, Resource, Struct
from steward.telemetry.access import Access
from steward.telemetry.logging import get_logger

GRANTED_SECONDS = 60.0
"""How long a grant holds unasked, so that a right that is taken away ends soon; controller-runtime's filter takes as long for the token."""

REFUSED_SECONDS = 10.0
"""How long a refusal holds: short, because somebody may be waiting for the right just given."""

OUTAGE_SECONDS = 900.0
"""How long a grant holds while the API server cannot be asked. Metrics are looked at in an outage above all."""

REMEMBERED = 256
"""Answers kept. Two or three servers scrape; whoever comes with ever new tokens costs no more memory than this."""

LIMIT_SECONDS = 4.0
"""Of one decision, both reviews together: below the 10 s of a scrape, Prometheus' default timeout."""

log = get_logger(__name__)


class UserInfo(Struct, frozen=True):
    """``authentication.k8s.io/v1`` UserInfo."""

    username: str = ""
    uid: str = ""
    groups: tuple[str, ...] = ()
    extra: dict[str, tuple[str, ...]] = msgspec.field(default_factory=dict)


class TokenSpec(Struct, frozen=True):
    """``authentication.k8s.io/v1`` TokenReviewSpec."""

    token: str = ""


class TokenStatus(Struct, frozen=True):
    """``authentication.k8s.io/v1`` TokenReviewStatus."""

    authenticated: bool = False
    user: UserInfo = UserInfo()


class TokenReview(Struct, frozen=True):
    """``authentication.k8s.io/v1`` TokenReview."""

    metadata: ObjectMeta = ObjectMeta()
    spec: TokenSpec = TokenSpec()
    status: TokenStatus = TokenStatus()


class NonResourceAttributes(Struct, frozen=True):
    """``authorization.k8s.io/v1`` NonResourceAttributes."""

    path: str = ""
    verb: str = ""


class AccessSpec(Struct, frozen=True):
    """``authorization.k8s.io/v1`` SubjectAccessReviewSpec; it names the user otherwise than UserInfo does."""

    non_resource_attributes: NonResourceAttributes = NonResourceAttributes()
    user: str = ""
    uid: str = ""
    groups: tuple[str, ...] = ()
    extra: dict[str, tuple[str, ...]] = msgspec.field(default_factory=dict)


class AccessStatus(Struct, frozen=True):
    """``authorization.k8s.io/v1`` SubjectAccessReviewStatus."""

    allowed: bool = False


class AccessReview(Struct, frozen=True):
    """``authorization.k8s.io/v1`` SubjectAccessReview."""

    metadata: ObjectMeta = ObjectMeta()
    spec: AccessSpec = AccessSpec()
    status: AccessStatus = AccessStatus()


TOKEN_REVIEWS: Resource[TokenReview] = Resource("authentication.k8s.io", "v1", "TokenReview", "tokenreviews", TokenReview, namespaced=False)
ACCESS_REVIEWS: Resource[AccessReview] = Resource(
    "authorization.k8s.io", "v1", "SubjectAccessReview", "subjectaccessreviews", AccessReview, namespaced=False
)

RIGHTS = (
    Right(TOKEN_REVIEWS, "create", why="finds out whose token a request for metrics carries"),
    Right(ACCESS_REVIEWS, "create", why="finds out whether they may read metrics"),
)
"""Needed only where the metrics are protected; the cluster role ``system:auth-delegator`` has them."""


class _Answer(NamedTuple):
    access: Access
    at: float

    def holds(self, now: float) -> bool:
        return now < self.at + (GRANTED_SECONDS if self.access is Access.GRANTED else REFUSED_SECONDS)


class Authorizer:
    """Decides, and remembers for a while. For the event loop; :class:`Door` is for threads.

    Args:
        client: Whom to ask: one of its own, because behind slow writes a scrape would come too late.
    """

    def __init__(self, client: Client) -> None:
        self._client = client
        self._answers: OrderedDict[tuple[bytes, str], _Answer] = OrderedDict()
        self._asking: WeakValueDictionary[tuple[bytes, str], asyncio.Lock] = WeakValueDictionary()

    async def decide(self, token: str, path: str) -> Access:
        """Whether the bearer of a token may get a path. Two who ask the same at once make one question."""
        key = (hashlib.sha256(token.encode()).digest(), path)
        # Lives as long as somebody holds it or waits for it.
        asking = self._asking.setdefault(key, asyncio.Lock())
        async with asking:
            known = self._answers.get(key)
            if known is not None and known.holds(asyncio.get_running_loop().time()):
                return known.access
            return await self._ask(key, token, known)

    async def _ask(self, key: tuple[bytes, str], token: str, known: _Answer | None) -> Access:
        now = asyncio.get_running_loop().time
        try:
            async with asyncio.timeout(LIMIT_SECONDS):
                access, user = await self._review(token, key[1])
        except (errors.StewardError, TimeoutError) as error:
            if known is not None and known.access is Access.GRANTED and now() < known.at + OUTAGE_SECONDS:
                return Access.GRANTED
            log.warning("cannot ask who may read this", path=key[1], reason=f"{type(error).__name__}: {error}")
            return Access.UNDECIDED
        if access is not Access.GRANTED and (known is None or known.access is not access):
            log.warning("request refused", path=key[1], user=user or "(token not known)")
        self._answers[key] = _Answer(access, now())
        self._answers.move_to_end(key)
        while len(self._answers) > REMEMBERED:
            self._answers.popitem(last=False)
        return access

    async def _review(self, token: str, path: str) -> tuple[Access, str]:
        said = (await self._client.create(TOKEN_REVIEWS, TokenReview(spec=TokenSpec(token=token)))).status
        if not said.authenticated:
            return Access.UNKNOWN, ""
        user, wanted = said.user, NonResourceAttributes(path=path, verb="get")
        spec = AccessSpec(non_resource_attributes=wanted, user=user.username, uid=user.uid, groups=user.groups, extra=user.extra)
        allowed = (await self._client.create(ACCESS_REVIEWS, AccessReview(spec=spec))).status.allowed
        return Access.GRANTED if allowed else Access.DENIED, user.username


class Door:
    """An :class:`Authorizer` for threads that have no event loop: a :data:`steward.telemetry.access.Authorize`.

    Undecided until :meth:`open` was called, and when the loop is over.
    """

    def __init__(self, authorizer: Authorizer) -> None:
        self._authorizer = authorizer
        self._loop: asyncio.AbstractEventLoop | None = None

    def open(self) -> None:
        """Ask on the loop that runs now from here on."""
        self._loop = asyncio.get_running_loop()

    def __call__(self, token: str, path: str) -> Access:
        """Decide."""
        if self._loop is None or self._loop.is_closed():
            return Access.UNDECIDED
        asked = asyncio.run_coroutine_threadsafe(self._authorizer.decide(token, path), self._loop)
        try:
            return asked.result(timeout=LIMIT_SECONDS + 1)
        except TimeoutError:
            asked.cancel()
            return Access.UNDECIDED
