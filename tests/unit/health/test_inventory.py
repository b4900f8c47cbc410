"""What the disk says: packages' own lists, conda's, the lock's, and what nobody owns. Tiny packages."""

from __future__ import annotations

import base64
import hashlib
from typing import TYPE_CHECKING

import pytest

from bootstrap.health.inventory import Inventory, examine
from tests.support.records import lock, path_entry, record, write_meta

if TYPE_CHECKING:
    from pathlib import Path

    from bootstrap.lock import Lock, Record

FILES = {"numpy/__init__.py": "", "numpy/core.py": "x = 1\n", "numpy/version.py": "version = '2.0'\n"}
NUMPY = record("numpy", "2.0", "0")


@pytest.fixture
def site(tmp_path: Path) -> Path:
    """The site folder of an environment that has numpy 2.0, by pip."""
    found = tmp_path / "env" / "lib" / "python3.11" / "site-packages"
    install(found, "2.0")
    return found


def install(site: Path, version: str) -> Path:
    """numpy's files as they should be, and a .dist-info that says so."""
    info = site / f"numpy-{version}.dist-info"
    info.mkdir(parents=True)
    lines = []
    for name, text in FILES.items():
        path = site / name
        path.parent.mkdir(exist_ok=True)
        path.write_text(text)
        digest = base64.urlsafe_b64encode(hashlib.sha256(text.encode()).digest()).rstrip(b"=").decode()
        lines.append(f"{name},sha256={digest},{len(text)}\n")
    (info / "METADATA").write_text(f"Name: numpy\nVersion: {version}\n")
    (info / "RECORD").write_text("".join([*lines, f"{info.name}/METADATA,,\n", f"{info.name}/RECORD,,\n"]))
    return info


def adopt(site: Path, package: Record = NUMPY, files: tuple[str, ...] = tuple(FILES)) -> None:
    """Makes conda the owner of these files, as they now are."""
    prefix = site.parents[2]
    found = {(site / file).relative_to(prefix).as_posix(): (site / file).read_text() for file in files}
    write_meta(prefix, package, [path_entry(path, text) for path, text in found.items()])
    (prefix / "conda-meta" / "history").touch()


def look(site: Path, lock: Lock | None = None, *, quick: bool = False) -> Inventory:
    return examine(site.parents[2], [site], lock=lock, named=[], quick=quick)


def faults(disk: Inventory) -> list[tuple[str, str, str]]:
    return [(fault.path.rpartition("/")[2], fault.reason, fault.owner) for fault in disk.files]


@pytest.mark.parametrize("quick", [False, True])
@pytest.mark.parametrize("conda", [False, True])
def test_nothing_is_wrong(site: Path, conda: bool, quick: bool) -> None:
    if conda:
        adopt(site, files=(*FILES, "numpy-2.0.dist-info/METADATA"))
    disk = look(site, quick=quick)
    assert (disk.files, disk.records, disk.leftovers) == ((), (), ())
    assert disk.checked >= len(FILES)
    assert dict(disk.conda) == ({"numpy": "2.0"} if conda else {})
    assert [str(d) for d in disk.foreign] == ([] if conda else ["numpy 2.0"])
    assert [str(d) for d in disk.distributions] == ["numpy 2.0"]
    assert disk.owner_of(f"{site}/numpy/../numpy/core.py") == "numpy 2.0"
    assert disk.owner_of(f"{site}/other.py") == ""


@pytest.mark.parametrize("quick", [False, True])
@pytest.mark.parametrize("conda", [False, True])
def test_altered_missing_and_extra_code_of_numpy_at_every_level(site: Path, conda: bool, quick: bool) -> None:
    if conda:
        adopt(site)
    (site / "numpy/core.py").write_text("x = 2\n")
    (site / "numpy/version.py").unlink()
    (site / "numpy/more.py").touch()
    (site / "numpy/notes.txt").touch()
    assert {(name, reason) for name, reason, _ in faults(look(site, quick=quick))} == {
        ("core.py", "sha256"),
        ("more.py", "extra"),
        ("version.py", "missing"),
    }


def test_conda_edits_files_after_their_record_was_written(site: Path) -> None:
    """So RECORD is not asked where conda owns a package."""
    (site / "numpy/core.py").write_text("x = 1  # for conda\n")
    adopt(site)
    assert look(site).files == ()


def test_files_that_agree_with_pip_s_list_and_not_with_conda_s(site: Path) -> None:
    (site / "numpy/core.py").write_text("as conda had it\n")
    adopt(site)
    (site / "numpy/core.py").write_text(FILES["numpy/core.py"])
    disk = look(site)
    assert disk.record_clean
    assert (faults(disk), disk.foreign) == ([("core.py", "size", "numpy 2.0")], ())
    (site / "numpy/core.py").write_text("as nobody had it\n")
    assert not look(site).record_clean


def test_of_two_lists_the_one_that_fits_counts(site: Path) -> None:
    other = install(site, "1.0")
    (other / "RECORD").write_text("numpy/core.py,sha256=AAAA,99\n")
    disk = look(site)
    assert disk.files == ()
    assert disk.owner_of(f"{site}/numpy/core.py") == "numpy 2.0"


def test_system_packages_are_not_verified(site: Path) -> None:
    (site / "numpy-2.0.dist-info/INSTALLER").write_text("debian\n")
    (site / "numpy/core.py").unlink()
    assert (look(site).files, look(site).foreign) == ((), ())


def test_a_file_that_two_packages_bring_is_as_the_last_of_them_has_it(site: Path) -> None:
    """As opencv-python and opencv-python-headless do, which many requirements bring both."""

    def bring(name: str, text: str, *also: str) -> Path:
        lines = []
        for path, content in {"cv2/core.py": text, **dict.fromkeys(also, "")}.items():
            (site / path).parent.mkdir(exist_ok=True)
            (site / path).write_text(content)
            digest = base64.urlsafe_b64encode(hashlib.sha256(content.encode()).digest()).rstrip(b"=").decode()
            lines.append(f"{path},sha256={digest},{len(content)}\n")
        info = site / f"{name}-1.dist-info"
        info.mkdir()
        (info / "METADATA").write_text(f"Name: {name}\nVersion: 1\n")
        (info / "RECORD").write_text("".join(lines))
        return info

    bring("opencv", "x = 1\n", "cv2/qt.py")
    headless = bring("headless", "x = 22\n")
    assert look(site).files == ()
    (site / "cv2/core.py").write_text("y")
    assert {fault.owner for fault in look(site).files} == {"opencv 1", "headless 1"}, "it is nobody's"
    (site / "cv2/core.py").write_text("x = 1\n")
    assert look(site).files == ()
    (headless / "RECORD").unlink()
    (site / "cv2/core.py").unlink()
    assert [(f.owner, f.reason) for f in look(site).files] == [("opencv 1", "missing")]


def test_what_an_interrupted_pip_left(site: Path) -> None:
    for name in ("~umpy", "~umpy-1.0.dist-info"):
        (site / name).mkdir()
    assert [path.name for path in look(site).leftovers] == ["~umpy", "~umpy-1.0.dist-info"]


def test_bytecode_that_python_rewrote_is_no_fault(site: Path) -> None:
    (site / "numpy/core.pyc").write_text("1")
    adopt(site, files=(*FILES, "numpy/core.pyc"))
    (site / "numpy/core.pyc").write_text("2")
    assert look(site).files == ()


@pytest.mark.parametrize("quick", [False, True])
def test_against_a_lock(site: Path, quick: bool) -> None:
    adopt(site)
    adopt(site, record("more", "1", "0"), ())
    wanted = lock(record("numpy", "1.0", "0"), record("gone", "3", "0"))
    disk = look(site, wanted, quick=quick)
    assert dict(disk.locked) == {"numpy": "1.0", "gone": "3"}
    assert sorted(map(str, disk.records)) == [
        "gone: locked at 3 0, not installed",
        "more: 1 0 is installed, but not in the lock",
        "numpy: version 2.0 0 is installed, 1.0 0 is locked",
    ]
    (site / "numpy/core.py").write_text("x = 2\n")
    assert ("core.py", "sha256", "numpy 2.0") in faults(look(site, wanted, quick=quick))
