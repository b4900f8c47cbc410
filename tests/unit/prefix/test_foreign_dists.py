"""Other distributions of a name that a package brings."""

from __future__ import annotations

from pathlib import Path

import pytest

from bootstrap.prefix.foreign_dists import find_overlays, remove_overlays
from bootstrap.prefix.manifest import Manifest

SITE = "lib/python3.13/site-packages/"
NUMPY = "numpy-2.3.4-py313_0"


def write(prefix: Path, *paths: str) -> None:
    for path in paths:
        (prefix / path).parent.mkdir(parents=True, exist_ok=True)
        (prefix / path).write_text("x")


def distribution(prefix: Path, name: str, *rows: str) -> str:
    """A distribution that another installer left, with these rows in its RECORD; returns its folder."""
    write(prefix, f"{SITE}{name}.dist-info/METADATA")
    (prefix / f"{SITE}{name}.dist-info/RECORD").write_text("".join(f"{row},,\n" for row in rows))
    return f"{SITE}{name}.dist-info"


@pytest.mark.parametrize(
    ("package", "other", "same"),
    [
        ("numpy-2.3.4", "numpy-1.26.4", True),
        ("numpy-2.3.4", "NumPy-1.26.4", True),
        ("jupyter_server-2.0", "jupyter.server-1.0", True),
        ("ruamel.yaml-0.18", "ruamel_yaml-0.17", True),
        ("numpy-2.3.4", "numpy_quaternion-1.0", False),
        ("numpy-2.3.4", "mine-1.0", False),
    ],
)
def test_names_are_compared_as_pypi_does(tmp_path: Path, package: str, other: str, same: bool) -> None:
    own = f"{SITE}{package}.dist-info/METADATA"
    write(tmp_path, own)
    folder = distribution(tmp_path, other)
    assert find_overlays(tmp_path, {"stem": [own]}) == ([("stem", folder)] if same else [])


def test_a_packages_own_metadata_is_no_overlay_of_it(tmp_path: Path) -> None:
    own = [f"{SITE}numpy-2.3.4.dist-info/METADATA", f"{SITE}numpy-2.3.4.dist-info/RECORD"]
    write(tmp_path, *own)
    assert find_overlays(tmp_path, {NUMPY: own}) == []


def test_only_beside_the_package_is_looked(tmp_path: Path) -> None:
    own = f"{SITE}numpy-2.3.4.dist-info/METADATA"
    write(tmp_path, own, "elsewhere/numpy-1.0.dist-info/METADATA")
    assert find_overlays(tmp_path, {NUMPY: [own]}) == []


@pytest.fixture
def state(tmp_path: Path) -> Manifest:
    owned = [f"{SITE}numpy-2.3.4.dist-info/METADATA", f"{SITE}numpy/__init__.py", "bin/f2py"]
    write(tmp_path, *owned)
    return Manifest({}, {}, {NUMPY: dict.fromkeys(owned)})


def test_its_files_go_and_the_packages_stay(tmp_path: Path, state: Manifest) -> None:
    rows = [
        "numpy/__init__.py",
        "numpy/old/only.py",
        "../../../bin/old",
        "numpy-1.26.4.dist-info/METADATA",
        "gone.py",
    ]
    write(tmp_path, f"{SITE}numpy/old/only.py", "bin/old", f"{SITE}mine.py")
    folder = distribution(tmp_path, "numpy-1.26.4", *rows)
    removed = remove_overlays(tmp_path, [NUMPY], state)
    assert removed == [f"{SITE}numpy/old/only.py", "bin/old", f"{folder}/METADATA"]
    assert not (tmp_path / folder).exists()
    assert not (tmp_path / f"{SITE}numpy/old").exists(), "folders that are empty now go"
    for path in (*state.files[NUMPY], f"{SITE}mine.py"):
        assert (tmp_path / path).exists()


def test_nothing_outside_the_environment_is_touched(tmp_path: Path) -> None:
    prefix = tmp_path / "env"
    own = f"{SITE}numpy-2.3.4.dist-info/METADATA"
    write(prefix, own)
    write(tmp_path, "outside", "linked")
    (prefix / "link").symlink_to(tmp_path / "linked")
    distribution(prefix, "numpy-1.26.4", "../../../../outside", str(tmp_path / "outside"), "../../../link")
    assert remove_overlays(prefix, [NUMPY], Manifest({}, {}, {NUMPY: {own: None}})) == ["link"]
    assert (tmp_path / "outside").exists()
    assert (tmp_path / "linked").exists(), "a link goes, not what it leads to"


@pytest.mark.parametrize("record", [None, b"\xff\xfe", b"", b'"', b"a\0b/c,,\n", bytes(99)])
def test_without_a_record_that_can_be_read_its_metadata_goes(
    tmp_path: Path, state: Manifest, record: bytes | None
) -> None:
    folder = tmp_path / distribution(tmp_path, "numpy-1.26.4")
    (folder / "RECORD").unlink() if record is None else (folder / "RECORD").write_bytes(record)
    assert remove_overlays(tmp_path, [NUMPY], state) == []
    assert not folder.exists()


def test_packages_that_were_not_put_back_keep_theirs(tmp_path: Path, state: Manifest) -> None:
    folder = distribution(tmp_path, "numpy-1.26.4")
    assert remove_overlays(tmp_path, [], state) == []
    assert (tmp_path / folder).is_dir()
