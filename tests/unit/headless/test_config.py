"""Every field of the configuration: what it changes, and the one line that a wrong value gets."""

import msgspec
import pytest

from steward.cli.config import load
from steward.headless.config import Config
from steward.headless.controller import reconcile
from steward.headless.model import SERVICES, SLICES
from steward.headless.names import hashed
from steward.runtime.errors import ConfigError
from steward.runtime.resource import Key
from support.builders import pod
from support.desk import Desk, children, state

EXAMPLES = {
    "annotation": "example.com/name-me",
    "legacy_annotations": ("example.com/old",),
    "exclude_namespaces": ("shop",),
    "pod_selector": "tier in (a, b)",
    "host_network": "deny",
    "publish_not_ready_addresses": False,
    "long_names": "hash",
    "copy_annotations": ("example.com/note",),
}
"""A value other than the default for each field."""


@pytest.fixture
def configured(tmp_path):
    """Read the component's part of a configuration file."""

    def configured(text):
        path = tmp_path / "config.yaml"
        path.write_text(f"config: {text}")
        try:
            return load(str(path), Config).config
        except ConfigError as error:
            raise ConfigError(str(error).removeprefix(f"{path}: ")) from error

    return configured


def made(manifest, resource, **config):
    """What is created of one resource for a pod."""
    return [action.desired for action in plan_of(manifest, **config).actions if action.resource is resource]


def plan_of(manifest, **config):
    desk = Desk(Config(**config))
    desk.file(manifest)
    return desk.plan(Key("shop", manifest["metadata"]["name"]))


def test_every_field_has_an_example_here():
    """Whoever adds a field adds a test of what it does."""
    assert set(EXAMPLES) == set(Config.__struct_fields__)
    assert [] == [name for name, value in EXAMPLES.items() if value == getattr(Config(), name)]


def test_every_field_is_read_from_the_file(configured):
    text = msgspec.json.encode(Config(**EXAMPLES)).decode()

    assert Config(**EXAMPLES) == configured(text)


def test_the_defaults_are_those_of_an_operator_that_disturbs_nobody():
    """Both annotations of the references, all namespaces, names as they are, nothing copied."""
    assert (
        Config(
            annotation="steward.dev/headless-service",
            legacy_annotations=("srcd.host/create-headless-service",),
            exclude_namespaces=(),
            pod_selector="",
            host_network="allow",
            publish_not_ready_addresses=True,
            long_names="skip",
            copy_annotations=(),
        )
        == Config()
    )


def test_annotation_is_the_one_that_asks():
    """Row 40."""
    asking = pod(annotated=False, annotations={"example.com/name-me": "true"})

    assert 1 == len(made(asking, SERVICES, annotation="example.com/name-me"))
    assert 0 == len(made(asking, SERVICES))
    assert 0 == len(made(pod(), SERVICES, annotation="example.com/name-me"))


def test_legacy_annotations_ask_as_well():
    asking = pod(annotated=False, annotations={"srcd.host/create-headless-service": "true"})

    assert 1 == len(made(asking, SERVICES))
    assert 0 == len(made(asking, SERVICES, legacy_annotations=()))


def test_excluded_namespaces_are_left_alone():
    """Row 41."""
    assert 0 == len(made(pod(), SERVICES, exclude_namespaces=("shop",)))
    assert 1 == len(made(pod(), SERVICES, exclude_namespaces=("sho", "shop-2")))


def test_the_pod_selector_is_asked_of_the_server():
    """Row 41: what does not match is never sent, so it costs nothing. Children are found by our own label, whatever their pods have."""
    desk = Desk(Config(pod_selector="tier in (a, b)"))

    assert {
        "pods": "tier in (a, b)",
        "services": "",
        "endpointslices.discovery.k8s.io": "endpointslice.kubernetes.io/managed-by=headless.steward.dev",
    } == desk.selectors


def test_pods_in_the_network_of_their_node_have_names_unless_that_is_denied():
    """Row 53."""
    on_node = pod(host_network=True)

    assert 1 == len(made(on_node, SERVICES))
    assert 0 == len(made(on_node, SERVICES, host_network="deny"))
    assert 1 == len(made(pod(), SERVICES, host_network="deny"))


@pytest.mark.parametrize("configured", [True, False])
@pytest.mark.parametrize("said", [None, "true", "false"])
def test_not_ready_pods_are_answered_for_as_configured_unless_they_say_otherwise(configured, said):
    """Row 45."""
    late = pod(ready=False, annotations={"steward.dev/publish-not-ready": said} if said else {})
    expected = {None: configured, "true": True, "false": False}[said]

    assert [expected] == [found.spec.publish_not_ready_addresses for found in made(late, SERVICES, publish_not_ready_addresses=configured)]
    assert [expected] == [found.endpoints[0].conditions.ready for found in made(late, SLICES, publish_not_ready_addresses=configured)]


@pytest.mark.parametrize("name", ["x" * 64, "web.0", "9lives"], ids=["too long", "a dot", "a digit first"])
def test_names_that_cannot_be_are_skipped_or_hashed(name):
    """Row 51."""
    assert [] == made(pod(name), SERVICES)
    assert [hashed(name)] == [found.metadata.name for found in made(pod(name), SERVICES, long_names="hash")]


def test_names_that_can_be_are_never_hashed():
    assert ["web-0"] == [found.metadata.name for found in made(pod("web-0"), SERVICES, long_names="hash")]


def test_a_hashed_name_is_that_of_all_that_belongs_to_it():
    """The name is what DNS answers to; the target is the pod under its own."""
    (found,) = made(pod("web.0"), SLICES, long_names="hash")

    assert (f"{hashed('web.0')}-ipv4", hashed("web.0")) == (found.metadata.name, found.metadata.labels["kubernetes.io/service-name"])
    assert (hashed("web.0"), "web.0") == (found.endpoints[0].hostname, found.endpoints[0].target_ref.name)


def test_only_listed_annotations_are_copied():
    """Row 55, H5."""
    annotated = pod(annotations={"example.com/note": "mine", "prometheus.io/scrape": "true"})
    (found,) = made(annotated, SERVICES, copy_annotations=("example.com/note", "example.com/absent"))

    assert {"example.com/note": "mine"} == {name: value for name, value in found.metadata.annotations.items() if name != "steward.dev/desired-hash"}


def test_a_copied_annotation_follows_the_pods():
    """H5: changed and removed there, changed and removed here."""
    config = Config(copy_annotations=("example.com/note",))
    before = children(pod(annotations={"example.com/note": "one"}), config)
    changed = reconcile(state(pod(annotations={"example.com/note": "two"}), *before, config=config))
    removed = reconcile(state(pod(), *before, config=config))

    assert ["two", None] == [plan.actions[0].desired.metadata.annotations.get("example.com/note") for plan in (changed, removed)]


@pytest.mark.parametrize(
    ("text", "said"),
    [
        ("{annotation: ''}", 'config.annotation: expected text, got "". Write text, such as "steward.dev/headless-service".'),
        ("{annotation: 'name me'}", 'config.annotation: "name me" is not the key of an annotation. Write one such as example.com/headless-service.'),
        (
            "{legacyAnnotations: [a, b/c/d]}",
            'config.legacyAnnotations[1]: "b/c/d" is not the key of an annotation. Write one such as example.com/headless-service.',
        ),
        (
            "{copyAnnotations: ['prometheus.io/*']}",
            'config.copyAnnotations[0]: "prometheus.io/*" is not the key of an annotation. Write one such as example.com/headless-service.',
        ),
        (
            "{excludeNamespaces: [a, kube-*]}",
            'config.excludeNamespaces[1]: "kube-*" is not a namespace. Write whole names; there are no patterns.',
        ),
        (
            "{podSelector: 'tier in a'}",
            (
                'config.podSelector: expected a list in brackets at character 9, found "a".'
                " Write a label selector such as app=web,tier in (a, b),!batch."
            ),
        ),
        ("{podSelector: {app: web}}", 'config.podSelector: expected text, got {"app":"web"}. Write text.'),
        ("{hostNetwork: maybe}", 'config.hostNetwork: expected one of allow, deny, got "maybe". Write one of allow, deny.'),
        (
            "{publishNotReadyAddresses: 'yes'}",
            'config.publishNotReadyAddresses: expected true or false, got "yes". Write true or false, such as true.',
        ),
        ("{longNames: cut}", 'config.longNames: expected one of hash, skip, got "cut". Write one of hash, skip.'),
        ("{copyAnnotations: a}", 'config.copyAnnotations: expected a list, got "a". Write a list.'),
        ("{podselector: a}", "config.podselector: unknown key. Did you mean podSelector?"),
    ],
    ids=lambda value: value.partition(":")[0].strip("{") if value.startswith("{") else "",
)
def test_a_wrong_value_gets_one_line_with_the_field_and_the_fix(configured, text, said):
    with pytest.raises(ConfigError) as caught:
        configured(text)

    assert said == str(caught.value)


def test_a_domain_in_capital_letters_is_a_key_of_an_annotation(configured):
    """The API server takes it for annotations, though not for labels."""
    assert "Example.COM/note" == configured("{annotation: Example.COM/note}").annotation
