"""From a struct to a structural schema."""

from typing import Annotated, Literal

import msgspec
import pytest

from steward.runtime.crd import Column, CustomResource, manifest, rule
from steward.runtime.resource import ObjectMeta, Resource, Struct


class Inner(Struct, frozen=True):
    """What is inside.

    Attributes: none that matter here.
    """

    words: tuple[str, ...] = ()
    labels: dict[str, str] = {}
    port: Annotated[int | str | None, msgspec.Meta(extra_json_schema={"x-kubernetes-int-or-string": True})] = None


class Spec(Struct, frozen=True, forbid_unknown_fields=True):
    """What is asked."""

    name: str
    mode: Literal["a", "b"] = "a"
    is_on: bool = False
    size: Annotated[int, msgspec.Meta(ge=1, le=10)] = 3
    large: int = 0
    text: str = ""
    maybe: Annotated[int, msgspec.Meta(description="A number, or none.")] | None = None
    inner: Annotated[Inner | None, msgspec.Meta(description="Said where it is used.")] = None
    several: tuple[Annotated[Inner, msgspec.Meta(extra_json_schema=rule("true", "never"))], ...] = ()


class Gadget(Struct, frozen=True):
    """An object."""

    spec: Spec
    metadata: ObjectMeta = ObjectMeta()


GADGETS: Resource[Gadget] = Resource("test.steward.dev", "v1", "Gadget", "gadgets", Gadget, namespaced=False)
COLUMNS = (Column(name="Size", type="integer", json_path=".spec.size", priority=1),)


@pytest.fixture(scope="module")
def definition():
    return manifest(CustomResource(GADGETS, Gadget, short_names=("gd",), columns=COLUMNS))


@pytest.fixture(scope="module")
def spec(definition):
    return definition["spec"]["versions"][0]["schema"]["openAPIV3Schema"]["properties"]["spec"]


def test_names_scope_and_columns_are_those_of_the_declaration(definition):
    assert "gadgets.test.steward.dev" == definition["metadata"]["name"]
    assert ("Cluster", ["gd"], "GadgetList") == (
        definition["spec"]["scope"],
        definition["spec"]["names"]["shortNames"],
        definition["spec"]["names"]["listKind"],
    )
    assert [("Size", 1), ("Age", 0)] == [
        (one["name"], one.get("priority", 0)) for one in definition["spec"]["versions"][0]["additionalPrinterColumns"]
    ]


def test_only_an_object_with_a_status_has_the_subresource(definition):
    assert "subresources" not in definition["spec"]["versions"][0]


def test_there_is_neither_a_reference_nor_null_nor_a_word_that_a_structural_schema_lacks(definition):
    text = msgspec.json.encode(definition).decode()

    assert not [word for word in ("$ref", "$defs", "anyOf", '"null"', '"title"', 'additionalProperties":false') if word in text]


def test_defaults_are_those_of_scalars(spec):
    """An empty list or text that nobody wrote says nothing to a reader."""
    found = {name: one["default"] for name, one in spec["properties"].items() if "default" in one}

    assert {"mode": "a", "isOn": False, "size": 3, "large": 0} == found


def test_numbers_have_their_width(spec):
    assert ("int32", "int64") == (spec["properties"]["size"]["format"], spec["properties"]["large"]["format"])


def test_what_has_no_default_is_required(definition, spec):
    assert ["name"] == spec["required"]
    assert ["spec"] == definition["spec"]["versions"][0]["schema"]["openAPIV3Schema"]["required"]


def test_a_number_or_a_text_is_told_the_way_of_kubernetes(spec):
    assert {"x-kubernetes-int-or-string": True} == spec["properties"]["inner"]["properties"]["port"]


def test_what_is_said_where_a_struct_is_used_wins_and_else_its_first_sentence(spec):
    several = spec["properties"]["several"]["items"]

    assert ("Said where it is used.", "What is inside.") == (spec["properties"]["inner"]["description"], several["description"])
    assert [{"rule": "true", "message": "never"}] == several["x-kubernetes-validations"]
