"""Whatever conda-meta holds, each file of it is a record, or named as one that can't be read."""

from __future__ import annotations

import json
from pathlib import Path
from tempfile import TemporaryDirectory

from hypothesis import HealthCheck, given, settings
from hypothesis import strategies as st

from bootstrap.prefix.records import read_records

RECORD = {
    "name": "numpy",
    "version": "2.3.4",
    "build": "0",
    "subdir": "linux-64",
    "url": "https://example.org/linux-64/numpy-2.3.4-0.conda",
    "paths_data": {"paths": [{"_path": "lib/x", "path_type": "hardlink", "sha256": "00", "size_in_bytes": 1}]},
}
VALUES = st.recursive(
    st.none() | st.booleans() | st.integers() | st.floats() | st.text(),
    lambda inner: st.lists(inner, max_size=3) | st.dictionaries(st.text(), inner, max_size=3),
    max_leaves=5,
)


@given(key=st.sampled_from(sorted(RECORD)), value=VALUES, entry=VALUES, cut=st.integers(0, 400), more=st.binary())
@settings(max_examples=25, deadline=None, suppress_health_check=list(HealthCheck))
def test_mutated(key: str, value: object, entry: object, cut: int, more: bytes) -> None:
    whole = json.dumps(RECORD)
    texts = [
        json.dumps({**RECORD, key: value}).encode(),
        json.dumps({**RECORD, "paths_data": {"paths": [entry]}}).encode(),
        whole[:cut].encode() + more,
        b"[" * 100_000,
        whole.encode(),
    ]
    with TemporaryDirectory() as name:
        meta = Path(name) / "conda-meta"
        meta.mkdir()
        for number, text in enumerate(texts):
            (meta / f"{number}.json").write_bytes(text)
        good, bad = read_records(Path(name))
        assert {*(r.meta for r in good), *(b.meta for b in bad)} == set(meta.iterdir())
        assert meta / f"{len(texts) - 1}.json" in {r.meta for r in good}
