"""``make demo``: takes environment.yml to a proven environment, and trains in it.

Everything is real: conda-lock writes the lock, bootstrap restores and checks it, the environment's own Python
trains. Only the channel's address differs where conda-forge can't be reached: then it is a channel of conda
packages made from PyPI wheels, on this machine.
"""

from __future__ import annotations

import json
import shutil
import subprocess
import sys
import tempfile
import time
from contextlib import contextmanager
from dataclasses import dataclass
from pathlib import Path
from typing import TYPE_CHECKING, Any

from rich.console import Console
from rich.table import Table

import bootstrap
from bootstrap.console import megabytes, progress_for, show_error
from bootstrap.errors import BootstrapError
from tests.support.channel import ensure_channel
from tests.support.channel.server import serve
from tests.support.reach import conda_forge_answers

if TYPE_CHECKING:
    from collections.abc import Iterator

    from bootstrap.health import Report
    from bootstrap.prefix.transaction import Restored

ROOT = Path(__file__).resolve().parent.parent
WORK = ROOT / ".cache" / "demo"


@dataclass
class Row:
    """A line of the closing table."""

    step: str
    outcome: str
    seconds: float


class Demo:
    """Runs the steps and keeps what they said."""

    def __init__(self) -> None:
        self.console = Console(highlight=False)
        self.rows: list[Row] = []

    @contextmanager
    def step(self, title: str) -> Iterator[Row]:
        """Times a step and adds its line."""
        self.console.print(f"\n[bold cyan]{title}[/]")
        row = Row(title, "", 0.0)
        started = time.monotonic()
        yield row
        row.seconds = time.monotonic() - started
        self.rows.append(row)
        self.console.print(f"  {row.outcome}")

    def run(self) -> int:
        """All steps; the exit code."""
        with self.packages() as (channel, lock):
            if lock is None:
                lock = self.lock(channel)
            prefix, restored = self.restore(lock)
            report = self.check(prefix)
        training = self.train(prefix)
        self.close(restored, report, training)
        return report.exit_code

    @contextmanager
    def packages(self) -> Iterator[tuple[str, Path | None]]:
        """Where the packages come from: a channel's URL, and the committed lock where that fits it."""
        if conda_forge_answers():
            self.console.print("conda-forge answers: the committed conda-lock.yml is restored from there.")
            yield "conda-forge", ROOT / "conda-lock.yml"
            return
        self.console.print("conda-forge can't be reached: packages come from a channel made here from PyPI wheels.")
        with self.step("channel") as row:
            channel = ensure_channel(quiet=False)
            records = channel.records()
            size = sum(r["size"] for r in records)
            row.outcome = f"{len(records)} packages, {megabytes(size)}, served on loopback"
        with serve(channel.path) as server:
            yield server.url, None

    def lock(self, channel: str) -> Path:
        """environment.yml, locked by the real conda-lock."""
        with self.step("lock") as row:
            command = [sys.executable, "-m", "bootstrap", "lock", "--variant", "cpu", "--channel", channel]
            self.say(f"bootstrap lock --variant cpu --channel {channel} --output {shown(WORK)}")
            done = subprocess.run(
                [*command, "--output", str(WORK), "--quiet"], cwd=ROOT, capture_output=True, text=True, check=False
            )
            if done.returncode:
                self.console.print(done.stderr or done.stdout)
                raise SystemExit(done.returncode)
            lock = WORK / "conda-lock.yml"
            row.outcome = f"{len(bootstrap.explain_lock(lock).records)} packages in {shown(lock)}"
        return lock

    def restore(self, lock: Path) -> tuple[Path, Restored]:
        """The lock, restored into a fresh prefix, and then once more."""
        prefix, cache = WORK / "env", WORK / "packages"
        shutil.rmtree(prefix, ignore_errors=True)
        with self.step("restore") as row:
            self.say(f"bootstrap restore --lock {shown(lock)} --prefix {shown(prefix)}")
            restored = bootstrap.restore(lock, prefix, cache=cache, progress=progress_for())
            fetched = (
                f"{restored.fetched} fetched ({megabytes(restored.fetched_bytes)})" if restored.fetched else "cached"
            )
            row.outcome = f"{restored.packages} packages, {fetched}, every file proven"
        with self.step("restore again") as row:
            again = bootstrap.restore(lock, prefix, cache=cache)
            row.outcome = f"{again.action}: the prefix agrees with the lock"
        return prefix, restored

    def check(self, prefix: Path) -> Report:
        """The environment, examined."""
        with self.step("check") as row:
            self.say(f"bootstrap check --prefix {shown(prefix)}")
            report = bootstrap.check(prefix, progress=progress_for())
            self.console.print(report.card)
            row.outcome = f"{report.verdict}: numpy {report.numpy_version}, {report.files_checked} files compared"
        return report

    def train(self, prefix: Path) -> dict[str, Any]:
        """A short training by the environment's own Python."""
        with self.step("train") as row, tempfile.TemporaryDirectory() as folder:
            out = Path(folder) / "training.json"
            self.say(f"{shown(prefix)}/bin/python -I demo/train.py")
            subprocess.run([prefix / "bin/python", "-I", ROOT / "demo/train.py", "--json", out], check=True)
            training: dict[str, Any] = json.loads(out.read_text())
            row.outcome = (
                f"loss {training['frequency_loss']:.2f} (guess by frequency) to {training['final_loss']:.2f}, "
                f"best of {len(training['trials'])} trials"
            )
        return training

    def say(self, command: str) -> None:
        """Shows the command that does the same."""
        self.console.print(f"  [dim]$ {command}[/]")

    def close(self, restored: Restored, report: Report, training: dict[str, Any]) -> None:
        """The table at the end."""
        table = Table(title="\nFrom environment.yml to a trained model", title_justify="left", title_style="bold")
        table.add_column("step", style="bold")
        table.add_column("outcome", overflow="fold")
        table.add_column("seconds", justify="right")
        for row in self.rows:
            table.add_row(row.step, row.outcome, f"{row.seconds:.1f}")
        self.console.print(table)
        used = sum(f.stat().st_blocks * 512 for f in restored.prefix.rglob("*") if f.is_file() and not f.is_symlink())
        self.console.print(f"environment: {shown(restored.prefix)}, {megabytes(used)} on disk")
        style = {"ok": "green", "doubtful": "yellow"}.get(report.verdict, "red")
        versions = ", ".join(f"{name} {training['modules'][name]['version']}" for name in ("numpy", "torch"))
        self.console.print(f"verdict: [bold {style}]{report.verdict}[/] ({versions})")


def shown(path: Path) -> str:
    """A path as seen from the repository's root."""
    return str(path.relative_to(ROOT)) if path.is_relative_to(ROOT) else str(path)


def main() -> int:
    """Runs the demo; its exit code is the check's."""
    WORK.mkdir(parents=True, exist_ok=True)
    try:
        return Demo().run()
    except BootstrapError as error:
        show_error(error)
        return error.exit_code
    except subprocess.CalledProcessError as error:
        return int(error.returncode)


if __name__ == "__main__":
    sys.exit(main())
