"""RECORD against the disk."""

from __future__ import annotations

import base64
import hashlib
from typing import TYPE_CHECKING

import pytest

from bootstrap._util.names import canonical_name
from bootstrap.health.record_files import Distribution, find_distributions, verify_distribution

if TYPE_CHECKING:
    from pathlib import Path


@pytest.fixture
def site(tmp_path: Path) -> Path:
    """A site folder with one distribution, ``demo 1.0``."""
    files = {"demo/__init__.py": b"", "demo/code.py": b"x = 1\n", "demo/data.bin": bytes(5000), "../bin/demo": b"#!"}
    site = tmp_path / "site"
    info = site / "demo-1.0.dist-info"
    info.mkdir(parents=True)
    lines = []
    for name, content in files.items():
        path = site / name
        path.parent.mkdir(parents=True, exist_ok=True)
        path.write_bytes(content)
        digest = base64.urlsafe_b64encode(hashlib.sha256(content).digest()).rstrip(b"=").decode()
        lines.append(f"{name},sha256={digest},{len(content)}")
    (info / "METADATA").write_text(
        "Metadata-Version: 2.1\nName: Demo\nVersion: 1.0\nRequires-Dist: numpy>=1\n\nVersion: 9\n"
    )
    (info / "INSTALLER").write_text("changed later")
    lines += [
        "demo/__pycache__/code.cpython-311.pyc,,",
        "demo-1.0.dist-info/INSTALLER,sha256=AAAA,4",
        "demo-1.0.dist-info/RECORD,,",
    ]
    (info / "RECORD").write_text("\n".join(lines) + "\n")
    return site


@pytest.fixture
def demo(site: Path) -> Distribution:
    (found,) = find_distributions([site])
    return found


def test_distribution(demo: Distribution) -> None:
    assert str(demo) == "demo 1.0"
    assert demo.requires() == ["numpy"]
    assert not demo.by_system


def test_unharmed(demo: Distribution) -> None:
    check = verify_distribution(demo, extra=True)
    assert check.faults == ()
    assert check.checked == 4


@pytest.mark.parametrize(
    ("name", "content", "reason"),
    [
        ("demo/code.py", b"x = 2\n", "sha256"),
        ("demo/code.py", b"x = 10\n", "size"),
        ("demo/data.bin", None, "missing"),
        ("../bin/demo", None, "missing"),
    ],
)
def test_faults(demo: Distribution, name: str, content: bytes | None, reason: str) -> None:
    path = demo.site / name
    if content is None:
        path.unlink()
    else:
        path.write_bytes(content)
    (fault,) = verify_distribution(demo).faults
    assert (fault.path, fault.owner, fault.reason) == (str(path.parent.resolve() / path.name), "demo 1.0", reason)


def test_folder_in_the_place_of_a_file(demo: Distribution) -> None:
    (demo.site / "demo/code.py").unlink()
    (demo.site / "demo/code.py").mkdir()
    assert [fault.reason for fault in verify_distribution(demo).faults] == ["type"]


def test_content_is_read_only_on_demand(demo: Distribution) -> None:
    (demo.site / "demo/code.py").write_bytes(b"x = 2\n")
    assert verify_distribution(demo, hash_content=False).faults == ()


def test_extra_code(demo: Distribution) -> None:
    (demo.site / "demo/more.py").write_text("")
    (demo.site / "demo/notes.txt").write_text("")
    (demo.site / "demo/__pycache__").mkdir()
    (demo.site / "demo/__pycache__/code.cpython-311.pyc").write_text("")
    check = verify_distribution(demo, extra=True)
    assert [(fault.path, fault.reason) for fault in check.faults] == [(str(demo.site / "demo/more.py"), "extra")]


def test_two_versions_in_one_folder(site: Path) -> None:
    other = site / "demo-2.0.dist-info"
    other.mkdir()
    assert [str(d) for d in find_distributions([site])] == ["demo 1.0", "demo 2.0"]


def test_metadata_counts_more_than_the_name_of_its_folder(demo: Distribution) -> None:
    (demo.info / "METADATA").write_text("Name: demo\nVersion: 3.0\n")
    (found,) = find_distributions([demo.site])
    assert (found.version, found.labelled_version) == ("3.0", "1.0")


def test_debian_and_leftovers(tmp_path: Path) -> None:
    system = tmp_path / "lib" / "python3" / "dist-packages"
    (system / "old-1.0.egg-info").mkdir(parents=True)
    (system / "~emo-1.0.dist-info").mkdir()
    (found,) = find_distributions([system])
    assert (found.name, found.by_system) == ("old", True)


@pytest.mark.parametrize("name", ["Scikit_Learn", "scikit.learn", "scikit--learn"])
def test_normalized(name: str) -> None:
    assert canonical_name(name) == "scikit-learn"


@pytest.mark.parametrize(
    "left", [b'\xff\x00,,,"\n', bytes(300), b"demo/__init__.py,,0\ndemo/\x00\x00,,\n", b"\x1f\x8b\x08"]
)
def test_a_record_that_a_power_cut_left_lists_nothing(demo: Distribution, left: bytes) -> None:
    (demo.info / "RECORD").write_bytes(left)
    assert verify_distribution(demo, extra=True).checked == 0


@pytest.mark.parametrize("size", ["\u00b2", "9" * 5000, "-1", ""])
def test_a_size_that_is_none_is_left_out(demo: Distribution, size: str) -> None:
    (demo.info / "RECORD").write_text(f"demo/code.py,,{size}\n", encoding="utf-8")
    assert verify_distribution(demo).faults == ()
