"""What exists as source only is described by its own record, and nothing of it is run."""

from __future__ import annotations

import io
import zipfile
from pathlib import Path

import pytest

from bootstrap.diagnosis import package_metadata
from bootstrap.diagnosis.index import Index
from bootstrap.diagnosis.settings import PipSettings
from bootstrap.diagnosis.sources import describe_source, wanted_sources
from tests.support.wheels import make_sdist, make_wheel


@pytest.mark.parametrize(
    ("text", "found"),
    [
        ("ERROR: No matching distribution found for wget==3.2", ["wget==3.2"]),
        ("No matching distribution found for a[x]>=1,<2 (from b)", ["a[x]>=1,<2"]),
        ("hint: Wheels are required for `wget` because building from source is disabled", ["wget==3.2"]),
        ("Because wget==3.2 has no usable wheels and you require it", ["wget==3.2"]),
        ("Because other==1 has no usable wheels", ["other==1"]),
        ("Because other>=1,<=2 has no usable wheels and only", ["other>=1,<=2"]),
        ("Because other{sys_platform != 'darwin'}==2.6.3 has no usable wheels", ["other==2.6.3"]),
        ("Because all versions of other have no usable wheels and you require other", ["other"]),
        ("something else", []),
    ],
)
def test_what_a_resolver_misses(text: str, found: list[str]) -> None:
    assert wanted_sources(text, ["wget==3.2", "numpy"]) == found


def index(folder: Path) -> Index:
    return Index(PipSettings(index=None, find_links=(str(folder),)), "3.12", cache=folder / "cache")


def test_the_newest_fitting_source(tmp_path: Path) -> None:
    for version in ("1.0", "2.0", "3.0"):
        make_sdist(tmp_path, "Only.Source", version, [f"numpy<{version}"])
    make_wheel(tmp_path, "both", "1.0")
    make_sdist(tmp_path, "both", "1.0")
    found = tmp_path / "described"
    assert describe_source("only_source<3", index(tmp_path), found, None) == "Only.Source 2.0"
    [wheel] = found.iterdir()
    assert wheel.name == "Only_Source-2.0-py3-none-any.whl"
    assert package_metadata.read_wheel(wheel.as_uri()).requires == ("numpy<2.0",)
    for wanted in ("only-source>3", "both", "none", "not a requirement!"):
        assert describe_source(wanted, index(tmp_path), found, None) is None


def test_a_source_in_a_zip_archive(tmp_path: Path) -> None:
    buffer = io.BytesIO()
    with zipfile.ZipFile(buffer, "w") as archive:
        archive.writestr("PKG-INFO", "Metadata-Version: 1.1\nName: a\nVersion: 1.0\n")
        archive.writestr("a.egg-info/requires.txt", "numpy<2\n\n[x]\nb\n")
        archive.writestr("setup.py", "raise SystemExit")
    path = tmp_path / "a-1.0.zip"
    path.write_bytes(buffer.getvalue())
    dist = package_metadata.read_source(path.as_uri(), None)
    assert dist.requires == ("numpy<2", 'b; extra == "x"')
    path.write_bytes(b"PK")
    with pytest.raises(ValueError, match=r"zip file"):
        package_metadata.read_source(path.as_uri(), None)
