"""Which archives of images stay in the cache."""

import os

from clusterlib.images import archives


def test_the_archives_used_last_stay_and_those_of_other_images_too(tmp_path):
    for age, name in enumerate(["steward-5.tar", "steward-4.tar", "steward-3.tar", "steward-2.tar", "steward-1.tar", "base-1.tar", "steward.lock"]):
        (tmp_path / name).write_text(name)
        os.utime(tmp_path / name, (1000 - age, 1000 - age))

    kept = archives.keep(tmp_path / "steward-1.tar", "steward-*.tar")

    assert tmp_path / "steward-1.tar" == kept
    assert {"steward-1.tar", "steward-5.tar", "steward-4.tar", "base-1.tar", "steward.lock"} == {path.name for path in tmp_path.iterdir()}
