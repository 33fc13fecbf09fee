"""``steward check`` for programs: SARIF, JUnit, weights and the least score."""

import json
from xml.etree import ElementTree

import pytest
import yaml

BARE = {"name": "web", "image": "host:5000/app"}
POLICY = {
    "apiVersion": "policy.steward.dev/v1alpha1",
    "kind": "DevOpsPolicy",
    "metadata": {"name": "default"},
    "spec": {
        "forbidLatestTag": True,
        "requireReadinessProbe": True,
        "exemptions": [{"checks": ["latest_tag"], "reason": "vendor has no tags", "expires": "9999-01-31T00:00:00Z"}],
    },
}


def deployment(name, container):
    meta = {"name": name, "namespace": "shop"}
    return {"apiVersion": "apps/v1", "kind": "Deployment", "metadata": meta, "spec": {"template": {"spec": {"containers": [container]}}}}


@pytest.fixture
def manifests(tmp_path):
    """Two Deployments; the second begins in line 4, after a comment."""
    path = tmp_path / "app.yaml"
    first, second = (json.dumps(deployment(name, BARE)) for name in ("web", "api"))
    path.write_text(f"{first}\n---\n# the other\n{second}\n")
    return path


@pytest.fixture
def policy(tmp_path):
    path = tmp_path / "policy.yaml"
    path.write_text(yaml.safe_dump(POLICY))
    return path


def test_sarif_has_rule_level_place_and_line_of_each_violation(steward, manifests):
    code, out, _ = steward("check", "-o", "sarif", manifests)

    (run,) = json.loads(out)["runs"]
    results = run["results"]
    assert 3 == code
    assert [("latest_tag", "error"), ("missing_liveness", "warning"), ("missing_readiness", "note"), ("missing_resources", "warning")] == [
        (one["ruleId"], one["level"]) for one in results[:4]
    ]
    assert all(run["tool"]["driver"]["rules"][one["ruleIndex"]]["id"] == one["ruleId"] for one in results)
    places = [one["locations"][0] for one in results]
    assert [(str(manifests), 1)] * 4 + [(str(manifests), 4)] * 4 == [
        (place["physicalLocation"]["artifactLocation"]["uri"], place["physicalLocation"]["region"]["startLine"]) for place in places
    ]
    assert "Deployment shop/web" == places[0]["logicalLocations"][0]["fullyQualifiedName"]


def test_what_is_exempt_is_suppressed_in_sarif_and_skipped_in_junit(steward, manifests, policy):
    _, sarif, _ = steward("check", "-o", "sarif", "--policy", policy, manifests)
    _, junit, _ = steward("check", "-o", "junit", "--policy", policy, manifests)

    exempt = [one for one in json.loads(sarif)["runs"][0]["results"] if "suppressions" in one]
    skipped = ElementTree.fromstring(junit).findall(".//testcase[@name='latest_tag']/skipped")
    why = "until 9999-01-31T00:00:00+00:00: vendor has no tags"
    assert [("latest_tag", why)] * 2 == [(one["ruleId"], one["suppressions"][0]["justification"]) for one in exempt]
    assert [why] * 2 == [one.get("message") for one in skipped]


def test_junit_has_a_case_for_each_check_that_was_made(steward, manifests):
    code, out, _ = steward("check", "-o", "junit", "--bundle", "baseline", manifests)

    root = ElementTree.fromstring(out)
    assert 3 == code
    assert {"name": "steward check", "tests": "4", "failures": "4", "errors": "0"} == root.attrib
    assert ["latest_tag", "missing_readiness"] == [case.get("name") for case in root[0]]
    failure = root[0][0][0]
    assert ("high", 'web: image "host:5000/app" has no tag, which means latest. Write a version or a digest.') == (failure.get("type"), failure.text)


@pytest.mark.parametrize(("weights", "score"), [((), 93), (("latest_tag=20",), 78), (("latest_tag=0", "missing_readiness=9"), 91)], ids=str)
def test_a_weight_changes_the_points_of_its_check_alone(steward, manifests, weights, score):
    given = [argument for one in weights for argument in ("--weight", one)]

    _, out, _ = steward("check", "-o", "json", "--bundle", "baseline", *given, "--weight", "missing_liveness=1000", manifests)

    assert score == json.loads(out)["score"], "liveness is not asked for by this bundle"


@pytest.mark.parametrize("given", ["latest=5", "latest_tag", "latest_tag=-1", "latest_tag=many"])
def test_a_weight_that_is_wrong_is_one_line(steward, manifests, given):
    code, out, err = steward("check", "--weight", given, manifests)

    assert (2, "") == (code, out)
    assert err.startswith(f'steward: --weight: expected CHECK=POINTS, got "{given}". CHECK is one of latest_tag, ')


def test_a_weight_beyond_the_range_is_one_line(steward, manifests):
    assert (2, "", "steward: --weight: expected POINTS from 0 to 1000, got more.\n") == steward("check", "--weight", "pending=1001", manifests)


@pytest.mark.parametrize(("least", "code", "said"), [("93", 0, ""), ("94", 4, "steward: score 93, below 94\n")])
def test_fail_below_is_the_least_score(steward, manifests, least, code, said):
    ended, _, err = steward("check", "--bundle", "baseline", "--fail-on", "never", "--fail-below", least, manifests)

    assert (code, said) == (ended, err)


def test_a_violation_says_more_than_a_score(steward, manifests):
    assert 3 == steward("check", "--fail-below", "100", manifests)[0]
