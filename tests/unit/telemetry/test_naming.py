"""The naming rules, each with what it forbids."""

import pytest

from steward.telemetry import naming


@pytest.mark.parametrize(
    ("name", "kind", "problem"),
    [
        ("steward_reconciles", "counter", "ends with _total"),
        ("steward_pods_total", "gauge", "only counters end with _total"),
        ("stewardPods", "gauge", "snake_case"),
        ("steward__pods", "gauge", "snake_case"),
        ("steward:pods", "gauge", "snake_case"),
        ("steward_pods_count", "gauge", "_count is a suffix"),
        ("steward_requests_sum_total", "counter", "_sum is a suffix"),
        ("steward_latency_milliseconds", "histogram", "use seconds"),
        ("steward_memory_mb", "gauge", "use bytes"),
        ("steward_score_percent", "gauge", "use ratio"),
        ("steward_request_duration", "histogram", "ends with _seconds"),
        ("steward_last_event_timestamp", "gauge", "_timestamp_seconds"),
    ],
)
def test_a_name_that_breaks_a_rule_is_told_which(name, kind, problem):
    assert any(problem in found for found in naming.name_problems(name, kind))


@pytest.mark.parametrize(
    ("name", "kind"),
    [
        ("steward_reconcile_total", "counter"),
        ("steward_reconcile_duration_seconds", "histogram"),
        ("steward_informer_last_event_timestamp_seconds", "gauge"),
        ("k8s_headless_service_operator_services", "gauge"),
        ("steward_cache_bytes", "gauge"),
    ],
)
def test_good_names_have_no_problem(name, kind):
    assert [] == naming.name_problems(name, kind)


@pytest.mark.parametrize(
    ("labels", "problem"),
    [
        (("le",), "exposition format"),
        (("job",), "belongs to the target"),
        (("component",), "belongs to the target"),
        (("pod",), "unbounded"),
        (("podName",), "snake_case"),
        (("queue", "queue"), "twice"),
    ],
)
def test_a_label_that_breaks_a_rule_is_told_which(labels, problem):
    assert any(problem in found for found in naming.label_problems(labels))


@pytest.mark.parametrize(
    ("buckets", "problem"),
    [((1.0,), "at least two"), ((1.0, 0.5), "rise"), ((0.5, 0.5), "rise"), ((0.0, 1.0), "above 0"), ((1.0, float("inf")), "finite")],
)
def test_buckets_that_break_a_rule_are_told_which(buckets, problem):
    assert any(problem in found for found in naming.bucket_problems(buckets))


@pytest.mark.parametrize("text", ["", "no capital.", "No stop", "Two\nlines."])
def test_help_is_one_sentence(text):
    assert naming.help_problems(text)
