"""Image references are read as Docker, containerd and the registries read them (github.com/distribution/reference, its own cases among ours)."""

import pytest
from hypothesis import given
from hypothesis import strategies as st

from steward.governance.images import Image, parse

SHA = "sha256:" + "0123456789abcdef" * 4


@pytest.mark.parametrize(
    ("text", "image"),
    {
        "nginx": ("docker.io", "library/nginx"),
        "nginx:1.27": ("docker.io", "library/nginx", "1.27"),
        "bitnami/nginx:latest": ("docker.io", "bitnami/nginx", "latest"),
        "docker.io/nginx:1": ("docker.io", "library/nginx", "1"),
        "index.docker.io/library/nginx": ("docker.io", "library/nginx"),
        "host:5000/app": ("host:5000", "app"),
        "host:5000/app:1.2": ("host:5000", "app", "1.2"),
        "localhost/app:dev": ("localhost", "app", "dev"),
        "ghcr.io/a/b/c:v1": ("ghcr.io", "a/b/c", "v1"),
        "[2001:db8::1]:5000/app:1": ("[2001:db8::1]:5000", "app", "1"),
        "HOST/app": ("HOST", "app"),
        "xn--n3h.com/myimage:xn--n3h.com": ("xn--n3h.com", "myimage", "xn--n3h.com"),
        "foo_bar.com:8080": ("docker.io", "library/foo_bar.com", "8080"),
        "foo/foo_bar.com:8080": ("docker.io", "foo/foo_bar.com", "8080"),
        "foo_bar.com/app:1": ("foo_bar.com", "app", "1"),
        "0" * 64 + ":1": ("docker.io", "library/" + "0" * 64, "1"),
        "a" * 247: ("docker.io", "library/" + "a" * 247),
        "a__b/c-----d": ("docker.io", "a__b/c-----d"),
        f"app@{SHA}": ("docker.io", "library/app", "", SHA),
        f"host:5000/app:latest@{SHA}": ("host:5000", "app", "latest", SHA),
        "app@sha512:" + "0" * 128: ("docker.io", "library/app", "", "sha512:" + "0" * 128),
    }.items(),
    ids=lambda value: value[:40] if isinstance(value, str) else "",
)
def test_a_reference_is_taken_apart(text, image):
    assert Image(*image) == parse(text)


@pytest.mark.parametrize(
    ("text", "said"),
    {
        "": "no repository",
        ":1": "no repository",
        f"@{SHA}": "no repository",
        "host:5000/": "no repository",
        "Nginx": "must be lower case",
        "ghcr.io/Team/app": "must be lower case",
        "repo//app": "expected a-z",
        "app-": "expected a-z",
        "-app/x": "expected a-z",
        "a___b": "expected a-z",
        "app name": "expected a-z",
        "nginx\n": "expected a-z",
        "-host.io/app": "expected a host",
        "foo_bar.com:80/app": "expected a host",
        "host:/app": "expected a host",
        "app:": 'tag ""',
        "app:-1": 'tag "-1"',
        "app:" + "x" * 129: "at most 128",
        "app:1:2": 'tag "1:2"',
        "app@sha256:abc": "expected 64 hexadecimal",
        f"app@{SHA.upper()}": "expected one of sha256",
        "app@sha256:" + "A" * 64: "in lower case",
        "app@md5:" + "0" * 32: "expected one of sha256",
        f"app@{SHA}@{SHA}": "expected 64 hexadecimal",
        "https://ghcr.io/a/b": "expected a host",
        "${IMAGE}": "must be lower case",
        "0" * 64: "an image's id",
        "ghcr.io/" + "a" * 256: "at most 255",
        "a" * 248: "at most 255",
    }.items(),
    ids=lambda value: value[:40],
)
def test_what_cannot_be_pulled_is_refused_with_the_reason(text, said):
    with pytest.raises(ValueError, match=r"^\S") as raised:
        parse(text)

    assert said in str(raised.value)


@pytest.mark.parametrize(
    ("text", "latest"),
    [("app", True), ("app:latest", True), ("host:5000/app", True), ("app:1", False), ("app:latest-2", False), (f"app:latest@{SHA}", False)],
)
def test_latest_is_the_tag_or_its_absence_and_a_digest_pins(text, latest):
    """Ports and digests are where other tools go wrong (polaris, kube-score and popeye#577)."""
    assert latest == parse(text).is_latest


NAMES = st.from_regex(r"[a-z0-9]{1,8}([._-][a-z0-9]{1,8}){0,2}(/[a-z0-9]{1,8}){0,2}", fullmatch=True)


@given(
    st.sampled_from(["docker.io", "ghcr.io", "localhost", "host:5000", "[::1]:5000"]),
    NAMES,
    st.from_regex(r"(\w[\w.-]{0,20})?", fullmatch=True).filter(str.isascii),
    st.sampled_from(["", SHA]),
)
def test_what_is_put_together_comes_apart_again(registry, repository, tag, digest):
    text = f"{registry}/{repository}" + (f":{tag}" if tag else "") + (f"@{digest}" if digest else "")

    read = parse(text)

    assert (registry, tag, digest) == (read.registry, read.tag, read.digest)
    assert read.repository in (repository, f"library/{repository}")


@given(st.text("aA0:/@.-_[] sha256", max_size=40))
def test_any_text_is_a_reference_or_a_value_error(text):
    try:
        read = parse(text)
    except ValueError:
        return
    assert read == parse(f"{read.registry}/{read.repository}" + (f":{read.tag}" if read.tag else "") + (f"@{read.digest}" if read.digest else ""))
