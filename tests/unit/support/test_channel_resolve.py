from __future__ import annotations

from pathlib import Path

import pytest

from tests.support.channel.resolve import Resolution, Resolved, read_specs, requirements
from tests.support.channel.standins import standin_indexes
from tests.support.channel.target import ChannelError, choose_target
from tests.unit.support.target import TARGET

ENVIRONMENT = {"python_version": "3.11", "python_full_version": "3.11.9", "sys_platform": "linux"}


def distribution(project: str, *requires: str) -> Resolved:
    url = f"https://example.org/{project}-1.0-py3-none-any.whl"
    return Resolved(project, "1.0", url, "", {"requires_dist": list(requires)})


def depends(*distributions: Resolved) -> list[str]:
    return Resolution(distributions, ENVIRONMENT).depends(distributions[0].project)


def test_markers_are_judged() -> None:
    first = distribution(
        "first",
        'tomli ; python_version < "3.11"',
        'pywin32 ; sys_platform == "win32"',
        'typing_extensions>=4 ; python_version >= "3.11"',
        'pytest ; extra == "test"',
    )
    assert depends(first) == ["typing_extensions >=4"]


def test_extras_are_spelled_out() -> None:
    first = distribution("first", "second[http]>=2")
    second = distribution("second", "numpy", 'aiohttp!=4 ; extra == "http"', 'first ; extra == "http"')
    third = distribution("aiohttp")
    assert depends(first, second, third) == ["aiohttp !=4", "second >=2"]


def test_extras_of_extras() -> None:
    first = distribution("first", "second[all]")
    second = distribution("second", 'second[a] ; extra == "all"', 'xxhash ; extra == "a"')
    assert depends(first, second) == ["python-xxhash", "second"]


def test_several_lines_for_one_package_are_joined() -> None:
    first = distribution("first", "numpy>=1.26", 'numpy<3 ; python_version >= "3.11"')
    assert depends(first) == ["numpy <3,>=1.26"]


def write(folder: Path, *lines: str) -> Path:
    path = folder / "environment.yml"
    path.write_text("dependencies:\n" + "".join(f"  - {line}\n" for line in lines), encoding="utf-8")
    return path


def test_environment_becomes_requirements(tmp_path: Path) -> None:
    specs = read_specs(
        write(tmp_path, "python >=3.8", "numpy >=2.0,<3", "pytorch >=2.6", "conda >=24.9", "ipykernel 6.*")
    )
    assert requirements(specs, TARGET) == ["ipykernel==6.*", "numpy<3,>=2.0", "torch>=2.6"]


def test_python_out_of_bounds_is_said(tmp_path: Path) -> None:
    specs = read_specs(write(tmp_path, "python >=2.6,<3"))
    with pytest.raises(ChannelError, match="BOOTSTRAP_CHANNEL_PYTHON"):
        requirements(specs, TARGET)


def test_pip_sections_are_refused(tmp_path: Path) -> None:
    with pytest.raises(ChannelError, match="pip: section"):
        read_specs(write(tmp_path, "pip: [numpy]"))


def test_standins_take_the_places_that_pypi_cannot_fill(tmp_path: Path) -> None:
    specs = read_specs(write(tmp_path, "conda >=24.9", "libblas 3.9.* *openblas", "matplotlib", "numpy"))
    indexes = {index["name"]: index for index in standin_indexes(specs, {"matplotlib": "3.10.0"}, TARGET)}
    assert set(indexes) == {"python_abi", "conda", "libblas", "matplotlib"}
    assert "standin" in indexes["conda"]["build"]
    assert indexes["libblas"]["version"].startswith("3.9")
    assert indexes["libblas"]["build"] == "standinopenblas"
    assert indexes["matplotlib"]["depends"] == ["matplotlib-base ==3.10.0"]


def test_a_named_interpreter_that_does_not_run_is_an_error(monkeypatch: pytest.MonkeyPatch, tmp_path: Path) -> None:
    monkeypatch.setenv("BOOTSTRAP_CHANNEL_PYTHON", str(tmp_path / "python3.11"))
    with pytest.raises(ChannelError, match="BOOTSTRAP_CHANNEL_PYTHON"):
        choose_target()
