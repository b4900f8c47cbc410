"""Accounting for a process tree, with real processes."""

from __future__ import annotations

import os
import sys
import time
from pathlib import Path

import pytest

from benchmarks.measure import CommandFailedError, contents, measure, tree, usage

MEBIBYTE = 1 << 20
HELD = 4
"""Seconds for which memory is held: several samples are taken of it, on a busy machine too."""
# A child that does its work in a child of its own.
GRANDCHILD = "import subprocess, sys; subprocess.run([sys.executable, '-c', {!r}], check=True)"


def python(program: str) -> list[str]:
    return [sys.executable, "-I", "-c", program]


def in_grandchild(program: str) -> list[str]:
    return python(GRANDCHILD.format(program))


def test_cpu_of_a_grandchild_is_counted() -> None:
    burn = "import time\nend = time.process_time() + 0.5\nwhile time.process_time() < end: pass"
    assert usage(in_grandchild(burn)).cpu >= 0.5


def test_sleeping_is_wall_and_not_cpu() -> None:
    used = usage(python("import time; time.sleep(0.5)"))
    assert used.wall >= 0.5
    assert used.cpu < used.wall


@pytest.mark.exhaustive
def test_memory_of_a_grandchild_is_counted() -> None:
    used = usage(in_grandchild(f"import time; held = b'x' * {150 * MEBIBYTE}; time.sleep({HELD})"))
    assert used.peak >= 150 * MEBIBYTE
    assert used.largest_rss >= 150 * MEBIBYTE


@pytest.mark.exhaustive
def test_memory_of_a_tree_is_a_sum() -> None:
    # Long enough for both to hold it at once on a busy machine.
    hold = f"import time; held = b'x' * {100 * MEBIBYTE}; time.sleep({3 * HELD})"
    both = (
        "import subprocess, sys\n"
        f"held = [subprocess.Popen([sys.executable, '-c', {hold!r}]) for _ in range(2)]\n"
        "[process.wait() for process in held]"
    )
    used = usage(python(both))
    assert used.peak >= 200 * MEBIBYTE
    alone = usage(python(hold))
    assert 100 * MEBIBYTE <= alone.peak < 0.7 * used.peak


@pytest.mark.exhaustive
def test_shared_pages_count_once() -> None:
    forked = (
        f"import os, time; held = b'x' * {200 * MEBIBYTE}\n"
        "children = []\n"
        "for _ in range(2):\n"
        "    pid = os.fork()\n"
        f"    if not pid: time.sleep({HELD}); os._exit(0)\n"
        "    children.append(pid)\n"
        "[os.waitpid(pid, 0) for pid in children]"
    )
    assert 200 * MEBIBYTE <= usage(python(forked)).peak < 300 * MEBIBYTE


def test_tree_finds_descendants_and_forgets_them() -> None:
    child = os.spawnv(os.P_NOWAIT, sys.executable, in_grandchild("import time; time.sleep(60)"))
    try:
        deadline = time.monotonic() + 20
        while len(found := set(tree(child))) < 2 and time.monotonic() < deadline:
            time.sleep(0.02)
        [grandchild] = found - {child}
        assert {os.getpid(), child, grandchild} <= set(tree(os.getpid()))
        os.kill(grandchild, 9)
    finally:
        os.kill(child, 9)
        os.waitpid(child, 0)
    assert list(tree(child)) == [child]


def test_written_files_and_bytes(tmp_path: Path) -> None:
    (tmp_path / "before").write_bytes(b"x" * 1000)
    program = (
        f"import os, pathlib; root = pathlib.Path({str(tmp_path)!r}); (root / 'sub').mkdir()\n"
        "(root / 'sub' / 'new').write_bytes(b'y' * 5000)\n"
        "os.link(root / 'sub' / 'new', root / 'linked')\n"
        "os.symlink('new', root / 'sub' / 'symbolic')"
    )
    cost = measure(python(program), tmp_path)
    assert cost.files == 3
    assert cost.bytes == 5000 + len("new")


def test_link_to_a_cached_file_writes_no_bytes(tmp_path: Path) -> None:
    (tmp_path / "cached").write_bytes(b"x" * 1000)
    cost = measure(python(f"import os; os.link({str(tmp_path / 'cached')!r}, {str(tmp_path / 'new')!r})"), tmp_path)
    assert (cost.files, cost.bytes) == (1, 0)


def test_contents_does_not_follow_links_to_folders(tmp_path: Path) -> None:
    (tmp_path / "inside").mkdir()
    (tmp_path / "inside" / "file").write_bytes(b"12345")
    (tmp_path / "loop").symlink_to(tmp_path)
    assert contents(tmp_path).files == 2


def test_failure_carries_what_the_command_said() -> None:
    with pytest.raises(CommandFailedError, match=r"exit 3[\s\S]*no room left"):
        usage(python("import sys; print('no room left', file=sys.stderr); sys.exit(3)"))


def test_killed_command_is_a_failure() -> None:
    with pytest.raises(CommandFailedError, match="exit -9"):
        usage(python("import os; os.kill(os.getpid(), 9)"))
