"""Lists: pages, versions, selectors."""

import base64
import json

import pytest

from support.doors import CONFIGMAPS, SERVICES, Door, configmap, service


async def _filled(door: Door, *names: str) -> None:
    for name in names:
        await door.create(CONFIGMAPS, configmap(name))


def _names(answer) -> list[str]:
    return [item["metadata"]["name"] for item in answer["items"]]


async def test_pages_show_every_object_once_in_the_order_of_keys(door):
    await _filled(door, "c", "a", "e", "b", "d")

    first = await door.ok("GET", CONFIGMAPS, limit="2")
    second = await door.ok("GET", CONFIGMAPS, limit="2", **{"continue": first["metadata"]["continue"]})
    third = await door.ok("GET", CONFIGMAPS, limit="2", **{"continue": second["metadata"]["continue"]})

    assert ["a", "b", "c", "d", "e"] == _names(first) + _names(second) + _names(third)
    assert [3, 1, None] == [page["metadata"].get("remainingItemCount") for page in (first, second, third)]
    assert "continue" not in third["metadata"]


async def test_pages_of_one_list_show_one_moment(door):
    """What happens between two pages is not on the second, whose version is that of the first."""
    await _filled(door, "a", "c", "e")
    first = await door.ok("GET", CONFIGMAPS, limit="1")
    await door.create(CONFIGMAPS, configmap("b"))
    await door.ok("DELETE", CONFIGMAPS + "/c")

    second = await door.ok("GET", CONFIGMAPS, **{"continue": first["metadata"]["continue"]})

    assert ["c", "e"] == _names(second)
    assert first["metadata"]["resourceVersion"] == second["metadata"]["resourceVersion"]


async def test_a_list_is_as_new_as_the_write_before_it(door):
    made = await door.create(CONFIGMAPS, configmap("a"))

    listed = await door.ok("GET", CONFIGMAPS)

    assert int(made["metadata"]["resourceVersion"]) <= int(listed["metadata"]["resourceVersion"])
    assert ["a"] == _names(listed)


async def test_an_exact_list_shows_the_past(door):
    made = await door.create(CONFIGMAPS, configmap("a"))
    await door.create(CONFIGMAPS, configmap("b"))
    await door.ok("DELETE", CONFIGMAPS + "/a")

    then = await door.ok("GET", CONFIGMAPS, resourceVersion=made["metadata"]["resourceVersion"], resourceVersionMatch="Exact")

    assert ["a"] == _names(then)


async def test_a_list_names_its_kind_and_its_items_do_not(door):
    await door.create(SERVICES, service("a"))

    listed = await door.ok("GET", SERVICES)

    assert ("ServiceList", "v1") == (listed["kind"], listed["apiVersion"])
    assert not {"kind", "apiVersion"} & listed["items"][0].keys()


async def test_a_list_by_selector_does_not_tell_how_many_remain(door):
    for name in ("a", "b"):
        await door.create(CONFIGMAPS, configmap(name, tier="web"))

    listed = await door.ok("GET", CONFIGMAPS, limit="1", labelSelector="tier=web")

    assert "continue" in listed["metadata"]
    assert "remainingItemCount" not in listed["metadata"]


@pytest.mark.parametrize(
    ("selector", "expected"),
    [
        ("tier=web", "ab"),
        ("tier==web", "ab"),
        ("tier!=web", "cd"),
        ("tier in (web, batch)", "abc"),
        ("tier notin (web)", "cd"),
        ("canary", "b"),
        ("!canary", "acd"),
        ("tier in (web,batch),!canary", "ac"),
        ("weight>5", "c"),
        ("weight<5", "a"),
        ("tier=", ""),
    ],
)
async def test_label_selectors_choose(door, selector, expected):
    for name, labels in (
        ("a", {"tier": "web", "weight": "3"}),
        ("b", {"tier": "web", "canary": ""}),
        ("c", {"tier": "batch", "weight": "7"}),
        ("d", {}),
    ):
        await door.create(CONFIGMAPS, configmap(name, **labels))

    assert list(expected) == _names(await door.ok("GET", CONFIGMAPS, labelSelector=selector))


async def test_a_field_selector_finds_one_by_name(door):
    await _filled(door, "a", "b")

    assert ["b"] == _names(await door.ok("GET", CONFIGMAPS, fieldSelector="metadata.name=b", limit="1"))
    assert [] == _names(await door.ok("GET", CONFIGMAPS, fieldSelector="metadata.name=z"))


async def test_a_list_goes_on_inconsistently_after_its_token_expired(door):
    """The refusal carries a token that goes on from the same place, at another version.

    The token is made old by hand: a real server keeps snapshots of the last minutes, whatever etcd has forgotten (KEP-4988).
    """
    await _filled(door, "a", "b", "c")
    first = await door.ok("GET", CONFIGMAPS, limit="1")
    door.compact()

    code, refused = await door.call("GET", CONFIGMAPS, **{"continue": _with_version(first["metadata"]["continue"], 1)})

    assert (410, "Expired") == (code, refused["reason"])
    assert ["b", "c"] == _names(await door.ok("GET", CONFIGMAPS, **{"continue": refused["metadata"]["continue"]}))


def _with_version(token: str, version: int) -> str:
    content = json.loads(base64.urlsafe_b64decode(token + "==")) | {"rv": version}
    return base64.urlsafe_b64encode(json.dumps(content).encode()).decode().rstrip("=")
