"""What a check knows, and what it reads out of it."""

from __future__ import annotations

from dataclasses import replace
from pathlib import Path

from bootstrap.health.facts import InterpreterLayout, find_hooks
from tests.unit.health.conftest import NUMPY, VERSION, Built


def test_layout(tmp_path: Path) -> None:
    told = {"prefix": "/e", "version": [3, 11, 9], "site": ["/e/lib"], "user_site": None}
    expected = InterpreterLayout(tmp_path, Path("/e"), (3, 11, 9), (Path("/e/lib"),))
    assert InterpreterLayout.from_probe(tmp_path, told) == expected
    assert InterpreterLayout.from_probe(tmp_path, {**told, "user_site": "/u"}).user_site == Path("/u")


def test_version_of_the_numpy_that_runs_else_of_the_installed_one(built: Built) -> None:
    built.probe("numpy-import", "pass", version="9.9")
    assert (built.facts.numpy_version, built.facts.numpy_owner) == ("9.9", NUMPY)
    built.probe("numpy-import", "died")
    assert built.facts.numpy_version == VERSION
    built.uninstall("numpy")
    assert (built.facts.numpy_version, built.facts.numpy_owner) == (None, "numpy")


def test_what_lies_behind_another_site_folder_is_never_imported(built: Built) -> None:
    first = built.facts.distributions[0]
    behind = replace(first, info=built.outside / first.info.name)
    built.on_disk(distributions=(first, behind))
    assert built.facts.distributions == (first,)


def test_code_that_runs_at_the_start(built: Built) -> None:
    named = built.write(built.site / "zz.pth", "import zz\n")
    tab = built.write(built.site / "aa.pth", "/some/folder\nimport\taa\n")
    built.write(built.site / "paths.pth", "/some/folder\n# import nothing\n")
    custom = built.write(built.site / "sitecustomize.py")
    package = built.write(built.site / "usercustomize" / "__init__.py")
    assert find_hooks([built.site]) == (custom, package, tab, named)
