from __future__ import annotations

import base64
import csv
import hashlib
import io
import json
import tarfile
import zipfile
from pathlib import Path
from typing import Any

import pytest
import zstandard

from tests.support.channel.archive import PLACEHOLDER
from tests.support.channel.wheel import convert, package_index
from tests.unit.support.target import TARGET

PURE = "demo_pkg-1.2-py3-none-any.whl"
BINARY = "demo_pkg-1.2-cp311-cp311-manylinux_2_28_x86_64.manylinux_2_27_x86_64.whl"
ENTRY_POINTS = b"[console_scripts]\nDemo = demo_pkg:main [cli]\nx.y = demo_pkg.a:B.c\n"


def make_wheel(folder: Path, name: str) -> Path:
    files = {
        "demo_pkg/__init__.py": b"VALUE = 1\n",
        "demo_pkg/tool.sh": b"#!/bin/sh\n",
        "demo_pkg-1.2.data/scripts/old-script": b"#!python\nprint('old')\n",
        "demo_pkg-1.2.data/scripts/shell-script": b"#!/bin/sh\necho shell\n",
        "demo_pkg-1.2.data/data/share/demo/data.txt": b"data\n",
        "demo_pkg-1.2.data/headers/demo.h": b"#define DEMO\n",
        "demo_pkg-1.2.data/purelib/demo_extra.py": b"EXTRA = 2\n",
        "demo_pkg-1.2.dist-info/METADATA": "Name: demo_pkg\nVersion: 1.2\nSummary: für alle\n".encode(),
        "demo_pkg-1.2.dist-info/WHEEL": b"Wheel-Version: 1.0\nRoot-Is-Purelib: true\n",
        "demo_pkg-1.2.dist-info/entry_points.txt": ENTRY_POINTS,
        "demo_pkg-1.2.dist-info/INSTALLER": b"pip\n",
    }
    rows = [(path, "sha256=" + _digest(data), len(data)) for path, data in files.items()]
    record = io.StringIO()
    csv.writer(record).writerows([*rows, ("demo_pkg-1.2.dist-info/RECORD", "", "")])
    wheel = folder / name
    with zipfile.ZipFile(wheel, "w", zipfile.ZIP_DEFLATED) as archive:
        for path, data in {**files, "demo_pkg-1.2.dist-info/RECORD": record.getvalue().encode()}.items():
            info = zipfile.ZipInfo(path)
            info.external_attr = (0o755 if path.endswith(".sh") else 0o644) << 16
            archive.writestr(info, data)
    return wheel


def _digest(data: bytes) -> str:
    return base64.urlsafe_b64encode(hashlib.sha256(data).digest()).rstrip(b"=").decode()


class Package:
    """A .conda archive, read with nothing of the code under test."""

    def __init__(self, path: Path) -> None:
        self.files: dict[str, bytes] = {}
        self.modes: dict[str, int] = {}
        with zipfile.ZipFile(path) as outer:
            assert json.loads(outer.read("metadata.json")) == {"conda_pkg_format_version": 2}
            for name in outer.namelist()[1:]:
                data = zstandard.ZstdDecompressor().stream_reader(outer.read(name)).read()
                with tarfile.open(fileobj=io.BytesIO(data)) as tar:
                    for member in tar:
                        stream = tar.extractfile(member)
                        self.files[member.name] = stream.read() if stream else b""
                        self.modes[member.name] = member.mode

    def info(self, name: str) -> Any:
        return json.loads(self.files[f"info/{name}.json"])


@pytest.fixture(name="build")
def _build(tmp_path: Path) -> Any:
    def build(name: str) -> tuple[dict[str, Any], Package]:
        wheel = make_wheel(tmp_path, name)
        index = package_index(name, "ab" * 32, ">=3.9", ["numpy >=2"], TARGET, "MIT")
        record = convert(wheel, tmp_path, index, TARGET)
        return record, Package(tmp_path / record["fn"])

    return build


def test_pure_wheel_becomes_noarch_python(build: Any) -> None:
    record, package = build(PURE)
    assert record["fn"] == "demo-pkg-1.2-pyhabababa_0.conda"
    assert (record["noarch"], record["subdir"]) == ("python", "noarch")
    assert record["depends"] == ["numpy >=2", "python >=3.9"]
    assert package.files["site-packages/demo_pkg/__init__.py"] == b"VALUE = 1\n"
    assert package.files["site-packages/demo_extra.py"] == b"EXTRA = 2\n"
    assert package.files["share/demo/data.txt"] == b"data\n"
    assert package.info("link")["noarch"]["entry_points"] == ["Demo = demo_pkg:main", "x.y = demo_pkg.a:B.c"]
    assert not any(path.startswith("bin/") for path in package.files)


def test_binary_wheel_belongs_to_one_python(build: Any) -> None:
    record, package = build(BINARY)
    assert (record["subdir"], record["arch"], "noarch" in record) == ("linux-64", "x86_64", False)
    assert record["build"].startswith("py311h")
    assert record["depends"] == [
        "__glibc >=2.27,<3.0.a0",
        "numpy >=2",
        "python >=3.11,<3.12.0a0",
        "python_abi 3.11.* *_cp311",
    ]
    assert package.files["lib/python3.11/site-packages/demo_pkg/__init__.py"] == b"VALUE = 1\n"
    assert package.files["include/python3.11/demo_pkg/demo.h"] == b"#define DEMO\n"
    script = package.files["bin/x.y"].decode()
    assert script.startswith(f"#!{PLACEHOLDER}/bin/python3.11\n")
    assert "from demo_pkg.a import B\n" in script
    assert "sys.exit(B.c())" in script
    assert "info/link.json" not in package.files


def test_abi3_wheel_is_bound_to_the_folder_it_lies_in() -> None:
    index = package_index("a-1-cp39-abi3-manylinux2014_x86_64.whl", "ab" * 32, ">=3.9", [], TARGET)
    assert "python >=3.11,<3.12.0a0" in index["depends"]
    assert "__glibc >=2.17,<3.0.a0" in index["depends"]


def test_wheel_for_one_python_without_binaries_needs_that_python() -> None:
    index = package_index("a-1-py311-none-any.whl", "ab" * 32, ">=3.9", [], TARGET)
    assert (index["noarch"], index["depends"]) == ("python", ["python >=3.11,<3.12.0a0"])


def test_cpu_torch_is_pytorch_with_a_cpu_build() -> None:
    index = package_index("torch-2.13.0+cpu-cp311-cp311-manylinux_2_28_x86_64.whl", "ab" * 32, "", [], TARGET)
    assert (index["name"], index["version"]) == ("pytorch", "2.13.0")
    assert index["build"].startswith("cpu_py311h")


@pytest.mark.parametrize("name", [PURE, BINARY])
def test_paths_state_every_file_truly(build: Any, name: str) -> None:
    _, package = build(name)
    stated = {item["_path"]: item for item in package.info("paths")["paths"]}
    held = {path for path in package.files if not path.startswith("info/")}
    assert set(stated) == held == set(package.files["info/files"].decode().splitlines())
    for path, item in stated.items():
        assert item["sha256"] == hashlib.sha256(package.files[path]).hexdigest()
        assert item["size_in_bytes"] == len(package.files[path])
        assert ("prefix_placeholder" in item) == (PLACEHOLDER.encode() in package.files[path])


@pytest.mark.parametrize(("name", "scripts"), [(PURE, "python-scripts"), (BINARY, "bin")])
def test_scripts_get_a_shebang_and_their_bits(build: Any, name: str, scripts: str) -> None:
    _, package = build(name)
    assert package.files[f"{scripts}/old-script"] == f"#!{PLACEHOLDER}/bin/python\nprint('old')\n".encode()
    assert package.files[f"{scripts}/shell-script"] == b"#!/bin/sh\necho shell\n"
    assert package.modes[f"{scripts}/shell-script"] == 0o755
    [tool] = [path for path in package.files if path.endswith("tool.sh")]
    assert package.modes[tool] == 0o755
    [plain] = [path for path in package.files if path.endswith("demo_extra.py")]
    assert package.modes[plain] == 0o644


@pytest.mark.parametrize(
    ("name", "site_packages"), [(PURE, "site-packages"), (BINARY, "lib/python3.11/site-packages")]
)
def test_record_describes_the_installed_files(build: Any, name: str, site_packages: str) -> None:
    _, package = build(name)
    dist_info = f"{site_packages}/demo_pkg-1.2.dist-info"
    assert package.files[f"{dist_info}/INSTALLER"] == b"conda\n"
    rows = {row[0]: row for row in csv.reader(io.StringIO(package.files[f"{dist_info}/RECORD"].decode()))}
    assert "demo_pkg-1.2.dist-info/RECORD" in rows
    assert "../../../bin/Demo" in rows
    assert "../../../bin/old-script" in rows
    assert "../../../share/demo/data.txt" in rows
    assert not any(".data/" in path for path in rows)
    hashed = [row for row in rows.values() if row[1]]
    assert len(hashed) >= 6
    for path, digest, size in hashed:
        inside = path.replace("../../../bin/", "python-scripts/" if name == PURE else "bin/")
        inside = inside.removeprefix("../../../") if path.startswith("../") else f"{site_packages}/{inside}"
        assert digest == "sha256=" + _digest(package.files[inside])
        assert int(size) == len(package.files[inside])


def test_same_wheel_same_bytes(build: Any) -> None:
    first, _ = build(BINARY)
    again, _ = build(BINARY)
    assert first["sha256"] == again["sha256"]


def test_a_zip_without_dist_info_is_no_wheel(tmp_path: Path) -> None:
    with zipfile.ZipFile(tmp_path / PURE, "w") as archive:
        archive.writestr("demo.py", "")
    index = package_index(PURE, "ab" * 32, "", [], TARGET)
    with pytest.raises(ValueError, match="not a wheel"):
        convert(tmp_path / PURE, tmp_path, index, TARGET)
