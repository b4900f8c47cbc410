"""Records as conda would have written them."""

from __future__ import annotations

import json
from typing import Any

import pytest

from bootstrap.prefix.conda_fields import completed, depends
from tests.support.records import path_entry, record

TOOL = record("tool", subdir="linux-64", depends={"numpy": ">=2"})
LINKS = {"lib/l.so": "l.so.1", "lib/again.so": "l.so", "lib/other.so": "other.so.1", "lib/folder": "..", "lib/o": "o"}
HASH = "0" * 64


def by_engine(entries: list[dict[str, Any]], **more: Any) -> dict[str, Any]:
    """A record in the order in which the engine writes it."""
    return {
        "arch": "x86_64",
        "build": "h0_0",
        "build_number": 0,
        "depends": ["numpy >=2"],
        "name": "tool",
        "url": TOOL.url,
        "channel": TOOL.channel,
        "requested_specs": [],
        **more,
        "files": [entry["_path"] for entry in entries],
        "paths_data": {"paths_version": 1, "paths": entries},
        "link": {"source": "/pkgs", "type": 1},
    }


def complete(data: dict[str, Any], index: dict[str, Any] | None = None, spec: str | None = None) -> dict[str, Any]:
    """The completed record; to complete it once more changes nothing."""
    options: dict[str, Any] = {"index": index or {}, "record": TOOL, "spec": spec, "links": LINKS}
    text = completed(data, **options)
    assert completed(json.loads(text), **options) == text
    found: dict[str, Any] = json.loads(text)
    return found


def test_what_the_package_says_of_itself() -> None:
    index = {"build_number": 7, "license": "\u00a9", "noarch": "python", "depends": ["numpy >=2 h*"], "arch": None}
    found = complete(by_engine([]), index, "tool >=1")
    assert {key: found[key] for key in ("build_number", "license", "noarch", "package_type", "arch", "depends")} == {
        "build_number": 7,
        "license": "\u00a9",
        "noarch": "python",
        "package_type": "noarch_python",
        "arch": "x86_64",
        "depends": ["numpy >=2 h*"],
    }
    assert (found["requested_spec"], found["requested_specs"]) == ("tool >=1", ["tool >=1"])
    assert found["channel"] == f"{TOOL.channel}/linux-64"


def test_an_index_of_another_shape_adds_nothing_to_it() -> None:
    found = complete(by_engine([]), {"depends": [1], "noarch": True})
    assert (found["depends"], "package_type" in found) == (["numpy >=2"], False)


def test_hashes_as_conda_doctor_compares_them() -> None:
    plain = path_entry("share/a", "a")
    library = path_entry("lib/l.so.1", "b", sha256_in_prefix=HASH)
    engines = {"path_type": "softlink", "sha256": plain["sha256"], "sha256_in_prefix": "f" * 64, "size_in_bytes": 2}
    links = [{"_path": path, **engines} for path in LINKS]
    del links[-2]["sha256"]
    library = {key: library[key] for key in ("_path", "path_type", "sha256", "sha256_in_prefix", "size_in_bytes")}
    found = complete(by_engine([*links, library, plain]))
    hashes = {e["_path"]: e.get("sha256_in_prefix") for e in found["paths_data"]["paths"]}
    assert hashes == {
        "lib/l.so": HASH,
        "lib/again.so": HASH,
        "lib/other.so": None,
        "lib/folder": None,
        "lib/o": None,
        "lib/l.so.1": HASH,
        "share/a": plain["sha256"],
    }


def test_a_record_of_condas_keeps_what_it_has() -> None:
    entries = [path_entry("share/a", "a", sha256_in_prefix=HASH), {"_path": "share/b", "path_type": "softlink"}]
    made = {**by_engine(entries), "constrains": [], "channel": f"{TOOL.channel}/linux-64"}
    old = {**made, "requested_specs": ["tool==1.0=h0_0"], "requested_spec": "tool==1.0=h0_0"}
    found = complete({"name": old.pop("name"), "link": old.pop("link"), **old})
    assert found == made


@pytest.mark.parametrize(
    ("own", "locked", "expected"),
    [
        (["a 1.0 habc_0", "b >=1 *_0", "c"], {"a": "1.0", "b": ">=1", "c": ""}, ["a 1.0 habc_0", "b >=1 *_0", "c"]),
        (["__glibc >=2.17", "a"], {"a": ""}, ["__glibc >=2.17", "a"]),
        (["a >=1", "a <2"], {"a": "<2"}, ["a >=1", "a <2"]),
        (["a ==1.0"], {"a": "1.0"}, ["a ==1.0"]),
        (["a >=1", "gone 3"], {"a": ">=1,<2", "new": ">=4"}, ["a >=1,<2", "new >=4"]),
        ([], {}, []),
    ],
    ids=["build strings", "virtual", "twice", "exact", "corrected by the channel", "nothing"],
)
def test_depends(own: list[str], locked: dict[str, str], expected: list[str]) -> None:
    assert depends(own, locked) == expected
