"""``steward list-contexts``, and what the options about clusters refuse before anything is asked."""

import json

import pytest
import yaml


def kubeconfig(path, *names, current="", server="https://127.0.0.1:1"):
    path.write_text(
        yaml.safe_dump(
            {
                "apiVersion": "v1",
                "kind": "Config",
                "current-context": current,
                "clusters": [{"name": f"{name}-cluster", "cluster": {"server": server}} for name in names],
                "users": [{"name": "admin", "user": {"token": "secret-token"}}],
                "contexts": [{"name": name, "context": {"cluster": f"{name}-cluster", "user": "admin", "namespace": "shop"}} for name in names],
            }
        )
    )
    return path


@pytest.fixture
def two(tmp_path):
    return kubeconfig(tmp_path / "config", "berlin", "dublin", current="dublin")


def test_contexts_are_listed_with_the_current_one_marked(steward, two):
    code, out, err = steward("list-contexts", "--kubeconfig", two)

    assert (0, "") == (code, err)
    assert out.splitlines() == [
        "CURRENT   NAME     CLUSTER          USER    NAMESPACE",
        "          berlin   berlin-cluster   admin   shop",
        "*         dublin   dublin-cluster   admin   shop",
    ]


@pytest.mark.parametrize(("form", "read"), [("json", json.loads), ("yaml", yaml.safe_load)])
def test_machines_are_told_the_same(steward, two, form, read):
    found = read(steward("list-contexts", "--kubeconfig", two, "-o", form)[1])

    assert [("berlin", False), ("dublin", True)] == [(one["name"], one["current"]) for one in found]
    assert "secret-token" not in str(found)


def test_a_kubeconfig_without_a_current_context_is_listed_too(steward, tmp_path):
    _, out, _ = steward("list-contexts", "--kubeconfig", kubeconfig(tmp_path / "config", "berlin"))

    assert "berlin" in out


@pytest.mark.parametrize("content", [None, "", "- a\n", "a: [", "contexts: 3\n"], ids=["missing", "empty", "list", "no YAML", "shape"])
def test_a_kubeconfig_that_cannot_be_read_is_one_line(steward, tmp_path, content):
    path = tmp_path / "config"
    if content is not None:
        path.write_text(content)

    code, out, err = steward("list-contexts", "--kubeconfig", path)

    assert (2, "", 1) == (code, out, err.count("\n"))
    assert f"kubeconfig {path}: " in err


def test_an_unknown_context_names_those_there_are(steward, two):
    said = 'steward: --context: no context "paris" in the kubeconfig. Known: berlin, dublin.\n'

    assert (2, "", said) == steward("list", "pods", "--kubeconfig", two, "--context", "paris")


def test_a_server_that_does_not_answer_is_one_line_with_its_address(steward, two):
    code, out, err = steward("list", "pods", "--kubeconfig", two, "--context", "berlin")

    assert (1, "", 1) == (code, out, err.count("\n"))
    assert err.startswith("steward: context berlin: https://127.0.0.1:1 does not answer: list pods shop: cannot connect: ")


@pytest.mark.parametrize(
    ("arguments", "said"),
    [
        (("-n", "a", "-A"), "--namespace and --all-namespaces: expected one of them, got both"),
        (("-n", "a/b"), '--namespace: "a/b" is not a namespace. Write whole names; there are no patterns.'),
    ],
    ids=["both", "no name"],
)
def test_namespaces_that_cannot_be_are_refused(steward, two, arguments, said):
    code, out, err = steward("list", "pods", "--kubeconfig", two, *arguments)

    assert (2, "") == (code, out)
    assert err.startswith(f"steward: {said}")
