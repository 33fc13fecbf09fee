"""The PromQL examples of the docs; tests/cluster evaluates them against a real Prometheus."""

import pytest

from support.examples import PAGE, examples
from support.promql import undeclared

OF_PROMETHEUS = {"up", "scrape_samples_post_metric_relabeling"}
"""Metrics that Prometheus makes of each scrape."""


def test_every_block_has_a_question_and_there_are_enough():
    assert PAGE.read_text().count("```promql") == len(examples())
    assert 50 <= len(examples())


def test_no_expression_stands_there_twice():
    expressions = [example.expression for example in examples()]

    assert len(expressions) == len(set(expressions))


@pytest.mark.parametrize("example", examples(), ids=lambda example: example.question)
def test_an_example_reads_only_what_the_program_exports(example):
    assert set() == undeclared(example.expression) - OF_PROMETHEUS
