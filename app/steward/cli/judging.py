"""By which rules pods are judged, and how the verdicts are counted: options that commands share."""

from __future__ import annotations

import functools
from collections.abc import Callable, Iterable
from typing import TYPE_CHECKING, Any, NamedTuple

import click

from steward.runtime.errors import ConfigError

if TYPE_CHECKING:
    from steward.governance.rules import Rules, Verdict
    from steward.governance.scores import Contribution, Formula, Tally, Weights

Command = Callable[..., None]

SEVERITIES = ("critical", "high", "medium", "low")
"""As in :mod:`steward.governance`, which commands that judge nothing need not load; so are the other three."""
FORMULAS = ("seed", "float", "ratio")
BUNDLES = ("standard", "baseline", "restricted", "permissive")
CHECKS = ("latest_tag", "missing_liveness", "missing_readiness", "high_restarts", "pending", "missing_resources")

BELOW_SCORE = 4
"""Exit code when a score is below what was asked for. Polaris'."""


class Judging(NamedTuple):
    """What a user says about rules and scores."""

    bundle: str | None = None
    policy: str | None = None
    formula: Formula = "seed"
    severity_weighted: bool = False
    weight: tuple[str, ...] = ()

    def rules(self) -> Rules:
        """The rules. Raises: ConfigError, UsageError."""
        from steward.cli import verdicts
        from steward.governance import bundles

        if self.bundle and self.policy:
            raise click.UsageError("--bundle and --policy: expected one of them, got both")
        return verdicts.policy(self.policy) if self.policy else bundles.BUNDLES[self.bundle or "standard"]

    def weights(self) -> Weights:
        """The points of each check. Raises: ConfigError."""
        import msgspec

        from steward.governance.scores import DEFAULT_WEIGHTS, Weights

        given: dict[str, int] = {}
        for one in self.weight:
            check, _, points = one.partition("=")
            if check not in CHECKS or not points.isdecimal():
                raise ConfigError(f'--weight: expected CHECK=POINTS, got "{one}". CHECK is one of {", ".join(CHECKS)}; POINTS is from 0 to 1000.')
            given[check] = int(points)
        try:
            return msgspec.convert(msgspec.to_builtins(msgspec.structs.replace(DEFAULT_WEIGHTS, **given)), Weights)
        except msgspec.ValidationError as error:
            raise ConfigError("--weight: expected POINTS from 0 to 1000, got more.") from error

    def counter(self) -> Callable[[Verdict], Contribution]:
        """What a verdict adds to a score. Raises: ConfigError."""
        from steward.governance.scores import contribution

        return functools.partial(contribution, weights=self.weights(), severity_weighted=self.severity_weighted)

    def tally(self, verdicts: Iterable[Verdict]) -> Tally:
        """Count verdicts. Raises: ConfigError."""
        from steward.governance.scores import tally

        return tally(map(self.counter(), verdicts))


def judging_options(command: Command) -> Command:
    """Decorator: the options above, handed over as ``judging``."""

    @click.option("--bundle", type=click.Choice(BUNDLES), help="Rules to judge by; standard, if no policy is given.")
    @click.option("--policy", metavar="FILE", help="A DevOpsPolicy to judge by, with its exemptions.")
    @click.option("--formula", type=click.Choice(FORMULAS), default="seed", show_default=True, help="How the score is computed.")
    @click.option("--severity-weighted", is_flag=True, help="Let severe violations cost more: 3 critical, 2 high, 1 medium and low.")
    @click.option("--weight", metavar="CHECK=POINTS", multiple=True, help="Points of a violation, such as pending=10. May be repeated.")
    @functools.wraps(command)
    def packed(*, bundle: str | None, policy: str | None, formula: Formula, severity_weighted: bool, weight: tuple[str, ...], **rest: Any) -> None:
        command(judging=Judging(bundle, policy, formula, severity_weighted, weight), **rest)

    return packed


below_option: Callable[[Command], Command] = click.option(
    "--fail-below", type=click.IntRange(0, 100), metavar="SCORE", help="Exit with 4 when the score is below SCORE."
)
"""Decorator: ``--fail-below``."""


class TooLow(click.ClickException):
    """The score is below what was asked for."""

    exit_code = BELOW_SCORE


def check_score(score: float | None, least: int | None) -> None:
    """Raises: TooLow."""
    from steward.governance.scores import shown

    if least is not None and score is not None and score < least:
        raise TooLow(f"score {shown(score)}, below {least}")
