from __future__ import annotations

import pytest

from tests.support.channel.names import (
    conda_constraint,
    conda_name,
    conda_version,
    pip_constraint,
    pypi_name,
    split_spec,
)


@pytest.mark.parametrize(
    ("pypi", "conda"),
    [
        ("torch", "pytorch"),
        ("typing_extensions", "typing_extensions"),
        ("typing-extensions", "typing_extensions"),
        ("Huggingface.Hub", "huggingface_hub"),
        ("xxhash", "python-xxhash"),
        ("tzdata", "python-tzdata"),
        ("PyYAML", "pyyaml"),
        ("matplotlib", "matplotlib-base"),
        ("nest_asyncio", "nest-asyncio"),
    ],
)
def test_names_as_conda_forge_has_them(pypi: str, conda: str) -> None:
    assert conda_name(pypi) == conda


@pytest.mark.parametrize(
    ("conda", "pypi"),
    [
        ("pytorch", "torch"),
        ("matplotlib-base", "matplotlib"),
        ("matplotlib", "matplotlib"),
        ("jupyter_server", "jupyter-server"),
        ("numpy", "numpy"),
        ("tzdata", None),
        ("conda", None),
        ("python", None),
        ("__glibc", None),
    ],
)
def test_projects_behind_conda_packages(conda: str, pypi: str | None) -> None:
    assert pypi_name(conda) == pypi


@pytest.mark.parametrize(
    ("pep440", "conda"),
    [
        ("", ""),
        (">=2,<3", ">=2,<3"),
        ("<3,>=2,!=2.1", ">=2,<3,!=2.1"),
        ("~=1.4.2", ">=1.4.2,1.4.*"),
        ("~=2.2", ">=2.2,2.*"),
        ("~=1!2.2", ">=1!2.2,1!2.*"),
        ("===1.0+cpu", "==1.0"),
        ("==2.13.0+cpu", "==2.13.0"),
        ("==1.2.*", "1.2.*"),
        ("!=1.2.*", "!=1.2.*"),
        (">=1.0rc1", ">=1.0rc1"),
    ],
)
def test_constraints_in_condas_language(pep440: str, conda: str) -> None:
    assert conda_constraint(pep440) == conda


@pytest.mark.parametrize(
    ("conda", "pep440"),
    [
        ("", ""),
        ("*", ""),
        ("6.*", "==6.*"),
        ("=1.2", "==1.2.*"),
        ("=1.2.*", "==1.2.*"),
        ("1.2.3", "==1.2.3"),
        ("==1.2", "==1.2"),
        (">=2.0", ">=2.0"),
        (">=3.11 *_cpython", ">=3.11"),
        ("<3.12.0a0", "<3.12.0.dev0"),
    ],
)
def test_constraints_in_pips_language(conda: str, pep440: str) -> None:
    assert pip_constraint(conda) == pep440


def test_alternatives_have_no_pep440_form() -> None:
    with pytest.raises(ValueError, match=r"1\.2\|1\.3"):
        pip_constraint("1.2|1.3")


@pytest.mark.parametrize(
    ("spec", "parts"),
    [
        ("numpy", ("numpy", "")),
        ("numpy >=2.0,<3", ("numpy", ">=2.0,<3")),
        ("numpy>=2.0, <3", ("numpy", ">=2.0,<3")),
        ("conda-forge::pytorch  >=2 cpu*", ("pytorch", ">=2 cpu*")),
        ("python=3.11", ("python", "=3.11")),
    ],
)
def test_specs_are_split(spec: str, parts: tuple[str, str]) -> None:
    assert split_spec(spec) == parts


def test_versions_lose_their_local_part() -> None:
    assert conda_version("2.13.0+cpu") == "2.13.0"
    assert conda_version("1.0.0-rc1") == "1.0.0rc1"
