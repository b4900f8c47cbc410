"""Restoring an environment that was altered: the same command puts it right."""

from __future__ import annotations

import json
import os
import shutil

import pytest

from bootstrap.cli import main
from bootstrap.errors import NotOursError
from tests.support import one_of
from tests.support.tiny_site import Site, agrees, snapshot


@pytest.mark.parametrize(
    ("path", "reason"),
    [
        ("lib/python3.13/site-packages/numpy/_core.so", "edited"),
        ("lib/libfoo.so", "retargeted"),
        *(
            pytest.param(path, reason, marks=pytest.mark.exhaustive)
            for path, reason in (
                ("lib/python3.13/site-packages/numpy/__init__.py", "deleted"),
                ("share/weights/data.bin", "truncated"),
                ("bin/f2py", "edited"),
                ("lib/python3.13/site-packages/tool/__init__.py", "replaced"),
            )
        ),
    ],
)
def test_altered_files_are_repaired(site: Site, path: str, reason: str) -> None:
    site.restore()
    sound = snapshot(site.prefix)
    target = site.prefix / path
    if reason == "edited":  # in place: the cache shares the file, and must not hand the edit out again
        with target.open("r+b") as file:
            file.write(b"\xff\xff")
    elif reason == "deleted":
        target.unlink()
    elif reason == "truncated":
        os.truncate(target, 100)
    elif reason == "retargeted":
        target.unlink()
        target.symlink_to("/nowhere")
    else:
        target.unlink()
        target.write_text("def main(): ...\n")
    result = site.restore()
    assert result.action == "repaired"
    assert len(result.installed) == 1
    ours = "conda-meta/condacolab-bootstrap"
    assert {k: v for k, v in snapshot(site.prefix).items() if k != ours} == {
        k: v for k, v in sound.items() if k != ours
    }
    assert agrees(site)


def test_what_pip_laid_over_a_package_goes_when_it_is_repaired(site: Site) -> None:
    """As pip does it: the old files deleted, its own written, conda-meta untouched. A user's own package stays."""
    packages = "lib/python3.13/site-packages"
    files = {f"{packages}/numpy/__init__.py": "__version__ = '2.3.4'\n", f"{packages}/numpy/core.py": "core = 1\n"}
    info = {f"{packages}/numpy-2.3.4.dist-info/{name}": f"{name} of 2.3.4\n" for name in ("METADATA", "RECORD")}
    site.channel.add("numpy", "2.3.4", build="py313_0", depends=["python"], files={**files, **info})
    site.channel.index()
    site.restore()
    sound = snapshot(site.prefix)
    place = site.prefix / packages
    shutil.rmtree(place / "numpy-2.3.4.dist-info")
    for name, version, own in (("numpy", "1.26.4", "numpy/only_old.py"), ("mine", "1.0", "mine/__init__.py")):
        (place / own).parent.mkdir(exist_ok=True)
        (place / own).write_text("old = 1\n")
        (place / f"{name}-{version}.dist-info").mkdir()
        (place / f"{name}-{version}.dist-info/METADATA").write_text(f"Name: {name}\n")
        rows = [
            own,
            f"{name}/__init__.py",
            f"../../../bin/{name}-tool",
            f"{name}-{version}.dist-info/METADATA",
            "../../../../../outside",
        ]
        (place / f"{name}-{version}.dist-info/RECORD").write_text("".join(f"{row},,\n" for row in rows))
        (site.prefix / f"bin/{name}-tool").write_text("#!/bin/sh\n")
    (place / "numpy/__init__.py").write_text("__version__ = '1.26.4'\n")
    (site.root / "outside").write_text("not the environment's")
    assert site.restore().action == "repaired"
    now = snapshot(site.prefix)
    mine = {key for key in now if "mine" in key}
    assert {f"{packages}/mine/__init__.py", "bin/mine-tool", f"{packages}/mine-1.0.dist-info/RECORD"} <= mine
    ours = {"conda-meta/condacolab-bootstrap"}
    assert {k: v for k, v in now.items() if k not in mine | ours} == {k: v for k, v in sound.items() if k not in ours}
    assert (site.root / "outside").exists()
    # An interrupted pip leaves its metadata alone behind, with every file of the package as it was.
    (place / "numpy-1.26.4.dist-info").mkdir()
    (place / "numpy-1.26.4.dist-info/METADATA").write_text("Name: numpy\n")
    assert site.restore().action == "repaired"
    assert not (place / "numpy-1.26.4.dist-info").exists()
    assert site.restore().action == "unchanged"


def test_an_unreadable_record_is_repaired(site: Site) -> None:
    site.restore()
    (site.prefix / "conda-meta/numpy-2.3.4-py313_0.json").write_text("{")
    assert site.restore().action == "updated"
    assert agrees(site)


def test_a_lost_history_is_begun_anew(site: Site) -> None:
    """Without one, to conda nothing was asked for, and it may remove everything."""
    site.restore()
    history = site.prefix / "conda-meta/history"
    before = history.read_text().splitlines()[2:]
    history.write_text("")
    site.restore()
    assert history.read_text().splitlines()[2:] == before
    assert agrees(site)


@pytest.mark.exhaustive
def test_a_lost_record_is_repaired(site: Site) -> None:
    site.restore()
    (site.prefix / "conda-meta/numpy-2.3.4-py313_0.json").unlink()
    assert site.restore().action == "updated"
    assert agrees(site)


def test_a_lost_ledger_asks_before_taking_over(site: Site) -> None:
    site.restore()
    (site.prefix / "conda-meta/condacolab-bootstrap").unlink()
    before = snapshot(site.prefix)
    with pytest.raises(NotOursError):
        site.restore()
    assert snapshot(site.prefix) == before
    assert site.restore(adopt=True).action == "adopted"
    assert site.restore().action == "unchanged", "it is ours now"


@pytest.mark.parametrize("how", one_of("moved", "copied"))
def test_an_environment_that_is_elsewhere_now(site: Site, how: str, capsys: pytest.CaptureFixture[str]) -> None:
    """It names the old place in its scripts, which is told, and mended."""
    lock = site.lock()
    site.restore(lock)
    place = site.root / "elsewhere"
    if how == "moved":
        site.prefix.rename(place)
        site.prefix.symlink_to(place)
        assert site.restore(lock).action == "unchanged", "the old name leads there"
        site.prefix.unlink()
    else:
        shutil.copytree(site.prefix, place, symlinks=True)
    status = ["status", "--lock", str(lock), "--prefix", str(place), "--cache", str(site.cache)]
    assert main(status) == 3
    assert f"moved: made for {site.prefix}" in capsys.readouterr().out.replace("\n", "")
    assert site.restore(lock, prefix=place).action == "repaired"
    for path in ("bin/f2py", "bin/tool", "lib/libfoo.so.4"):
        content = (place / path).read_bytes()
        assert os.fsencode(place) in content, path
        assert os.fsencode(f"{site.prefix}/") not in content, path
    assert main(status) == 0
    assert site.restore(lock, prefix=place).action == "unchanged"


@pytest.mark.exhaustive
def test_a_ledger_of_the_first_form_is_understood(site: Site) -> None:
    site.restore()
    manifest = site.prefix / "conda-meta/condacolab-bootstrap"
    data = json.loads(manifest.read_text())

    def as_list(text: str) -> list[int | str]:
        if text.startswith("-> "):
            return [text.removeprefix("-> ")]
        return [] if text == "/" else [int(value) for value in text.split()]

    files = {stem: {path: as_list(text) for path, text in paths.items()} for stem, paths in data["files"].items()}
    manifest.write_text(json.dumps({**data, "schema": 1, "files": files}))
    assert site.restore().action == "unchanged"
    (site.prefix / "lib/python3.13/os.py").write_text("sep = '!'\n")
    assert site.restore().action == "repaired"
