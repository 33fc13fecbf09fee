"""Declarations, what binding makes of them, and state that is read at scrape time."""

import logging as stdlib_logging
from itertools import count

import pytest
from prometheus_client import CollectorRegistry, generate_latest

from steward.telemetry.metrics import Counter, Gauge, Histogram, Sample, Snapshot, StateGauge, bind, exported_labels
from steward.telemetry.registry import create_registry

WRITES = Counter("steward_writes_total", "Writes.", labels=("verb",), preset=(("create",), ("delete",)))
SERVICES = Gauge("k8s_services", "Services.")
DURATION = Histogram("steward_write_duration_seconds", "Time of a write.", buckets=(0.1, 1.0))
OBJECTS: StateGauge[list[str]] = StateGauge(
    "steward_objects", "Objects.", ("resource",), lambda names: [Sample((name,), len(name)) for name in names]
)


@pytest.fixture
def registry():
    return CollectorRegistry()


def test_common_metrics_carry_the_component_first_and_others_do_not(registry):
    instruments = bind([WRITES, SERVICES], registry, component="headless")
    instruments[WRITES].labels("create").inc()
    instruments[SERVICES].labels().set(3)

    assert ("component", "verb") == exported_labels(WRITES)
    assert 1 == registry.get_sample_value("steward_writes_total", {"component": "headless", "verb": "create"})
    assert 3 == registry.get_sample_value("k8s_services")


def test_preset_series_exist_at_0_before_anything_happens(registry):
    """increase() over a series that appears at 1 is 0: the first failure would not alert."""
    bind([WRITES], registry, component="headless")

    assert 0 == registry.get_sample_value("steward_writes_total", {"component": "headless", "verb": "delete"})


def test_buckets_are_those_declared(registry):
    bind([DURATION], registry, component="headless")[DURATION].labels().observe(0.5)

    assert 0 == registry.get_sample_value("steward_write_duration_seconds_bucket", {"component": "headless", "le": "0.1"})
    assert 1 == registry.get_sample_value("steward_write_duration_seconds_bucket", {"component": "headless", "le": "1.0"})


def test_a_removed_series_is_gone_and_starts_again_at_0(registry):
    writes = bind([WRITES], registry, component="headless")[WRITES]
    writes.labels("create").inc()
    writes.remove("create")

    assert None is registry.get_sample_value("steward_writes_total", {"component": "headless", "verb": "create"})

    writes.labels("create").inc()

    assert 1 == registry.get_sample_value("steward_writes_total", {"component": "headless", "verb": "create"})


def test_the_wrong_number_of_label_values_is_refused(registry):
    writes = bind([WRITES], registry, component="headless")[WRITES]

    with pytest.raises(ValueError, match="label count"):
        writes.labels()


def test_state_is_read_at_every_scrape_and_gone_with_its_object(registry):
    names: list[str] = []
    bind([OBJECTS], registry, component="headless").observe(OBJECTS, names)

    assert "steward_objects{" not in generate_latest(registry).decode()

    names.append("pods")

    assert 4 == registry.get_sample_value("steward_objects", {"component": "headless", "resource": "pods"})

    names.clear()

    assert "steward_objects{" not in generate_latest(registry).decode()


def test_a_snapshot_is_taken_once_a_scrape_for_all_that_read_it(registry):
    first, second = (StateGauge(f"steward_{name}", "Read.", (), lambda number: [Sample((), number)]) for name in ("first", "second"))
    instruments = bind([first, second], registry, component="headless")
    snapshot = Snapshot(count(1).__next__)
    for gauge in (first, second):
        instruments.observe(gauge, snapshot)

    for scrape in (1.0, 2.0):
        exported = generate_latest(registry).decode()
        assert f'steward_first{{component="headless"}} {scrape}' in exported
        assert f'steward_second{{component="headless"}} {scrape}' in exported


def test_a_state_that_cannot_be_read_costs_its_own_series_only(registry, caplog):
    broken: StateGauge[int] = StateGauge("steward_broken", "Broken.", (), lambda zero: [Sample((), 1 / zero)])
    instruments = bind([broken, OBJECTS], registry, component="headless")
    instruments.observe(broken, 0)
    instruments.observe(OBJECTS, ["pods"])
    with caplog.at_level(stdlib_logging.ERROR):
        exported = generate_latest(registry).decode()

    assert 'steward_objects{component="headless",resource="pods"} 4.0' in exported
    assert "steward_broken{" not in exported
    assert ["metric could not be read"] == [record.message for record in caplog.records]
    assert 1 == registry.get_sample_value("steward_scrape_errors_total", {"component": "headless", "metric": "steward_broken"})


@pytest.mark.parametrize(
    ("declared", "said"),
    [
        (Counter("steward_writes", "Writes."), "steward_writes: a counter ends with _total"),
        (Gauge("steward_pods", "Pods.", labels=("pod",)), "steward_pods: label pod: unbounded"),
        (Counter("steward_x_total", "X.", labels=("a",), preset=(("1", "2"),)), "steward_x_total: preset ('1', '2'): expected 1 values"),
        (Histogram("steward_x_seconds", "X.", buckets=()), "steward_x_seconds: a histogram has at least two buckets"),
    ],
    ids=["name", "label", "preset", "buckets"],
)
def test_a_declaration_that_breaks_a_rule_is_not_bound(registry, declared, said):
    with pytest.raises(ValueError) as caught:
        bind([declared], registry, component="headless")

    assert said in str(caught.value)


def test_a_name_is_bound_once():
    for metric in (WRITES, OBJECTS):
        with pytest.raises(ValueError, match="Duplicated"):
            bind([metric, metric], CollectorRegistry(), component="headless")


def test_two_registries_of_one_process_do_not_know_each_other():
    """What a global registry would make impossible."""
    first, second = CollectorRegistry(), CollectorRegistry()
    bind([WRITES], first, component="headless")[WRITES].labels("create").inc()
    bind([WRITES], second, component="headless")

    assert 0 == second.get_sample_value("steward_writes_total", {"component": "headless", "verb": "create"})


def test_the_registry_of_a_process_has_its_own_metrics_and_no_created_series():
    registry = create_registry()
    bind([WRITES], registry, component="headless")
    exported = generate_latest(registry).decode()

    for name in ("process_resident_memory_bytes", "python_info", "python_gc_collections_total", "steward_writes_total"):
        assert f"# TYPE {name} " in exported, name
    assert "_created" not in exported
