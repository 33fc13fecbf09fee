"""Metrics as data: declared beside the code they measure, bound once to a registry that is handed in.

A declaration is a frozen struct. :func:`bind` turns declarations into instruments of one registry; nothing is registered by
importing a module. Use ``instruments[DECLARATION].labels(...)`` with all label values in the order of the declaration.
Keep the child where the code is hot: an increment then costs what the library's own does.
"""

from __future__ import annotations

from collections.abc import Callable, Iterable
from typing import Any, Generic, NamedTuple, TypeAlias, TypeVar, overload

import prometheus_client
from msgspec import Struct
from prometheus_client.core import GaugeMetricFamily
from prometheus_client.metrics import MetricWrapperBase

from steward.telemetry import naming
from steward.telemetry.logging import get_logger

S = TypeVar("S")
C = TypeVar("C", bound=MetricWrapperBase)

COMMON_PREFIX = "steward_"
"""Metrics of this prefix exist in every component and get the label ``component`` first."""


class Counter(Struct, frozen=True):
    """A number that only grows; 0 again when the process starts.

    Attributes:
        name: Full name, ends with ``_total``.
        help: One sentence.
        labels: Names of the labels, without ``component``.
        preset: Label values of series that exist at 0 from the start, so that ``increase()`` sees the first increment.
    """

    name: str
    help: str
    labels: tuple[str, ...] = ()
    preset: tuple[tuple[str, ...], ...] = ()


class Gauge(Struct, frozen=True):
    """A number that goes up and down and is set by the code. Attributes as in :class:`Counter`."""

    name: str
    help: str
    labels: tuple[str, ...] = ()
    preset: tuple[tuple[str, ...], ...] = ()


class Histogram(Struct, frozen=True):
    """A distribution. ``buckets`` are upper bounds in the unit of the name; else as :class:`Counter`."""

    name: str
    help: str
    buckets: tuple[float, ...]
    labels: tuple[str, ...] = ()
    preset: tuple[tuple[str, ...], ...] = ()


class Sample(NamedTuple):
    """One series of a :class:`StateGauge`: label values in the order of the declaration, and the value."""

    labels: tuple[str, ...]
    value: float


class StateGauge(Struct, Generic[S], frozen=True):
    """A gauge read from its source when Prometheus scrapes: a series is gone with its object.

    ``read`` runs in the thread of the scrape while the source goes on changing: it takes a copy (``list(...)``) before it iterates.
    """

    name: str
    help: str
    labels: tuple[str, ...]
    read: Callable[[S], Iterable[Sample]]


class Snapshot(Struct, Generic[S], frozen=True):
    """A source that is made anew for each scrape, and once for all gauges that read from it: so they agree.

    ``take`` runs in the thread of the scrape, as :attr:`StateGauge.read` does.
    """

    take: Callable[[], S]


Metric: TypeAlias = Counter | Gauge | Histogram | StateGauge[Any]

SCRAPE_ERRORS = Counter(
    name="steward_scrape_errors_total",
    help="Scrapes in which a metric could not be read from its source and is missing.",
    labels=("metric",),
)


def kind_of(metric: Metric) -> str:
    """The Prometheus type: ``counter``, ``gauge`` or ``histogram``."""
    return "gauge" if isinstance(metric, StateGauge) else type(metric).__name__.lower()


def exported_labels(metric: Metric) -> tuple[str, ...]:
    """Names of the labels as exported."""
    return ("component", *metric.labels) if metric.name.startswith(COMMON_PREFIX) else metric.labels


def problems(metric: Metric) -> list[str]:
    """Everything wrong with a declaration, each as ``name: what``; empty when it keeps the rules of :mod:`steward.telemetry.naming`."""
    found = naming.name_problems(metric.name, kind_of(metric)) + naming.help_problems(metric.help) + naming.label_problems(metric.labels)
    if isinstance(metric, Histogram):
        found += naming.bucket_problems(metric.buckets)
    if not isinstance(metric, StateGauge):
        found += [f"preset {values}: expected {len(metric.labels)} values" for values in metric.preset if len(values) != len(metric.labels)]
    return [f"{metric.name}: {problem}" for problem in found]


class Family(Generic[C]):
    """The series of one declaration."""

    def __init__(self, family: C, constant: tuple[str, ...]) -> None:
        self._family = family
        self._constant = constant
        self._children: dict[tuple[str, ...], C] = {}

    def labels(self, *values: str) -> C:
        """The series of these label values, made when it is not there yet.

        Raises: ValueError when the number of values is not that of the labels.
        """
        child = self._children.get(values)
        if child is None:
            exported = (*self._constant, *values)
            child = self._children[values] = self._family.labels(*exported) if exported else self._family
        return child

    def remove(self, *values: str) -> None:
        """Stop exporting a series, because what it measured is gone."""
        if self._children.pop(values, None) is not None:
            self._family.remove(*self._constant, *values)


class Instruments:
    """What :func:`bind` made, looked up by declaration."""

    def __init__(self, families: dict[str, Family[Any]], states: dict[str, _State]) -> None:
        self._families = families
        self._states = states

    @overload
    def __getitem__(self, metric: Counter) -> Family[prometheus_client.Counter]: ...
    @overload
    def __getitem__(self, metric: Gauge) -> Family[prometheus_client.Gauge]: ...
    @overload
    def __getitem__(self, metric: Histogram) -> Family[prometheus_client.Histogram]: ...
    def __getitem__(self, metric: Counter | Gauge | Histogram) -> Family[Any]:
        """The series of a declaration. Raises: KeyError when it was not bound."""
        return self._families[metric.name]

    def observe(self, metric: StateGauge[S], source: S | Snapshot[S]) -> None:
        """Say where a state gauge reads from now on. Before that it has no series.

        Raises: KeyError when the declaration was not bound.
        """
        self._states[metric.name].source = source


_UNSET: Any = object()


class _State:
    """Reads one state gauge at scrape time. What fails costs its own series, never the scrape."""

    def __init__(self, metric: StateGauge[Any], constant: tuple[str, ...], errors: Family[prometheus_client.Counter]) -> None:
        self._metric = metric
        self._constant = constant
        self._errors = errors.labels(metric.name)
        self._log = get_logger(__name__)
        self.source = _UNSET

    def describe(self) -> Iterable[GaugeMetricFamily]:
        """The family without series: the registry checks its name when it is registered."""
        yield GaugeMetricFamily(self._metric.name, self._metric.help, labels=exported_labels(self._metric))

    def collect(self, taken: dict[Snapshot[Any], Any]) -> Iterable[GaugeMetricFamily]:
        """The family with the series of this moment; ``taken`` holds what was made for this scrape already."""
        (family,) = self.describe()
        if self.source is not _UNSET:
            try:
                for labels, value in list(self._metric.read(_of_scrape(self.source, taken))):
                    family.add_metric((*self._constant, *labels), value)
            except Exception as error:  # noqa: BLE001 - a scrape without one metric tells more than none
                self._errors.inc()
                self._log.error("metric could not be read", metric=self._metric.name, exc=error)
                (family,) = self.describe()
        yield family


def _of_scrape(source: Any, taken: dict[Snapshot[Any], Any]) -> Any:
    if not isinstance(source, Snapshot):
        return source
    if source not in taken:
        taken[source] = source.take()
    return taken[source]


class _States:
    """All state gauges of a registry, so that those of one scrape are read together."""

    def __init__(self, states: Iterable[_State]) -> None:
        self._states = tuple(states)

    def describe(self) -> Iterable[GaugeMetricFamily]:
        """The families without series."""
        return [family for state in self._states for family in state.describe()]

    def collect(self) -> Iterable[GaugeMetricFamily]:
        """The families of one scrape."""
        taken: dict[Snapshot[Any], Any] = {}
        for state in self._states:
            yield from state.collect(taken)


def bind(metrics: Iterable[Metric], registry: prometheus_client.CollectorRegistry, *, component: str) -> Instruments:
    """Make the instruments of declarations in a registry.

    Args:
        metrics: Declarations; one that is there twice is an error.
        registry: Where they are exported.
        component: Value of the label ``component`` of every ``steward_*`` metric.

    Raises: ValueError when a declaration breaks a naming rule or its name is taken; the message lists every problem.
    """
    declared = tuple(metrics)
    found = [problem for metric in declared for problem in problems(metric)]
    if found:
        raise ValueError("; ".join(found))
    families: dict[str, Family[Any]] = {SCRAPE_ERRORS.name: _family(SCRAPE_ERRORS, registry, component)}
    states: dict[str, _State] = {}
    for metric in declared:
        if isinstance(metric, StateGauge):
            if metric.name in states:
                raise ValueError(f"Duplicated state gauge: {metric.name}")
            states[metric.name] = _State(metric, _constant(metric, component), families[SCRAPE_ERRORS.name])
        else:
            families[metric.name] = _family(metric, registry, component)
    registry.register(_States(states.values()))
    return Instruments(families, states)


def _constant(metric: Metric, component: str) -> tuple[str, ...]:
    return (component,) if metric.name.startswith(COMMON_PREFIX) else ()


def _family(metric: Counter | Gauge | Histogram, registry: prometheus_client.CollectorRegistry, component: str) -> Family[Any]:
    labels = exported_labels(metric)
    made: prometheus_client.Counter | prometheus_client.Gauge | prometheus_client.Histogram
    match metric:
        case Counter():
            made = prometheus_client.Counter(metric.name, metric.help, labels, registry=registry)
        case Gauge():
            made = prometheus_client.Gauge(metric.name, metric.help, labels, registry=registry)
        case Histogram():
            made = prometheus_client.Histogram(metric.name, metric.help, labels, registry=registry, buckets=metric.buckets)
    family: Family[Any] = Family(made, _constant(metric, component))
    for values in metric.preset:
        family.labels(*values)
    return family
