"""The machine's way to a package index."""

import configparser

import pytest
from clusterlib.images import pip_settings


@pytest.mark.parametrize(
    ("files", "environment", "expected"),
    [
        ([], {}, {}),
        (["[global]\nindex-url = https://one.test/simple\ncert = /x\n"], {}, {"index-url": "https://one.test/simple"}),
        (["[global]\nindex-url = https://one.test\n", "[global]\nindex-url = https://two.test\n"], {}, {"index-url": "https://two.test"}),
        (["[global]\nindex-url = https://one.test\n"], {"PIP_INDEX_URL": "https://env.test"}, {"index-url": "https://env.test"}),
        ([], {"PIP_FIND_LINKS": "/wheels", "PIP_TIMEOUT": "99"}, {"timeout": "99"}),
        (["[install]\nuser = true\n"], {}, {}),
    ],
    ids=["nothing", "a file", "the later file wins", "the environment wins", "what names the machine's files stays out", "another section"],
)
def test_settings_are_those_pip_would_use(tmp_path, files, environment, expected):
    names = []
    for number, text in enumerate(files):
        path = tmp_path / f"{number}.conf"
        path.write_text(text)
        names.append(str(path))
    assert pip_settings.read(environment, tuple(names)) == expected


def test_they_are_mounted_where_no_image_keeps_a_trace(tmp_path):
    """Over directories and files that every image has; what is written there is the machine's bundle and a home of our own."""
    bundle = tmp_path / "bundle.crt"
    bundle.touch()
    words = pip_settings.volumes(tmp_path, {"PIP_CERT": str(bundle), "PIP_EXTRA_INDEX_URL": "https://a.test\nhttps://b.test"})

    assert words == ["--volume", f"{tmp_path}/home:/root", "--volume", f"{bundle}:/etc/ssl/certs/ca-certificates.crt:ro"]
    file = tmp_path / "home" / ".config" / "pip" / "pip.conf"
    assert file.stat().st_mode & 0o077 == 0
    written = configparser.RawConfigParser()
    written.read(file)
    assert written["global"]["cert"] == "/etc/ssl/certs/ca-certificates.crt"
    assert written["global"]["extra-index-url"].split() == ["https://a.test", "https://b.test"]
