"""Where the cache is, and whose node is running in it."""

import pytest
from clusterlib import paths


@pytest.mark.parametrize("named", [True, False], ids=["named by STEWARD_CACHE", "in the repository"])
def test_a_linked_cache_is_the_one_it_links_to(tmp_path, monkeypatch, named):
    """Else the node that runs there is taken for what a killed command left behind, and removed."""
    there, repository = tmp_path / "there", tmp_path / "repository"
    there.mkdir()
    repository.mkdir()
    (repository / ".cache").symlink_to(there)
    monkeypatch.setattr(paths, "REPOSITORY", repository)
    monkeypatch.setenv("STEWARD_CACHE", str(there))
    direct = paths.find()
    if named:
        monkeypatch.setenv("STEWARD_CACHE", str(repository / ".cache"))
    else:
        monkeypatch.delenv("STEWARD_CACHE")
    linked = paths.find()

    assert (there, direct.identity) == (linked.cache, linked.identity)
