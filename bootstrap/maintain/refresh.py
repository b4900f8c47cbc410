"""Solves the specification into its locks, all of them or none."""

from __future__ import annotations

import difflib
import itertools
import json
import os
import shutil
from dataclasses import dataclass
from typing import TYPE_CHECKING, Any

from bootstrap._util.atomic import cleared_beside
from bootstrap._util.listing import capped
from bootstrap.errors import (
    CondaLockFailedError,
    LockError,
    LockOutdatedError,
    UnknownPackageError,
    every_error,
)
from bootstrap.lock.policy import validate
from bootstrap.lock.reader import parse_lock, read_lock
from bootstrap.maintain._child_conda import BRIEF_VARIABLE, SolveBrief
from bootstrap.maintain.condalock import find_conda_lock, find_solver, run_conda_lock, write_front
from bootstrap.maintain.lock_check import variant_fault
from bootstrap.maintain.lockfile import annotate, make_folder, place
from bootstrap.maintain.specification import read_specification
from bootstrap.maintain.variant import VARIANTS
from bootstrap.scratch import scratch_folder

if TYPE_CHECKING:
    from collections.abc import Callable, Sequence
    from pathlib import Path

    from bootstrap.errors import BootstrapError
    from bootstrap.lock.model import Lock
    from bootstrap.maintain.specification import Specification
    from bootstrap.maintain.variant import LockVariant

_SHOWN = 30
_REFUSED = "Could not lock the environment"


@dataclass(frozen=True)
class RefreshSettings:
    """How to refresh the locks."""

    specification: Path
    """environment.yml; virtual-packages files beside it go before the included ones."""
    folder: Path
    """Where the locks lie."""
    variants: tuple[LockVariant, ...] = VARIANTS
    update: tuple[str, ...] = ()
    """Update only these packages and what they force; empty solves everything."""
    channel: str | None = None
    """A channel in place of the specification's own; the locks name it."""
    repodata: Path | None = None
    """A folder to read the channels' repodata from; the locks name the channels as ever."""
    exclude_newer: str | None = None
    """Ignore what was built after this day (ISO 8601)."""
    conda: str | None = None
    """A conda, mamba or micromamba to solve with, in place of the built-in solver."""
    conda_lock: str = "conda-lock"


@dataclass(frozen=True)
class Refreshed:
    """One lock, before and after."""

    variant: LockVariant
    path: Path
    old: Lock | None
    new: Lock
    changed: bool
    """Whether its bytes differ from what was there."""
    undated: int
    """Records that a cut-off date couldn't judge, since their channel states no build time for them."""


def refresh(settings: RefreshSettings, *, progress: Callable[[str], None] = lambda _: None) -> tuple[Refreshed, ...]:
    """Rewrites all locks, or none if anything fails.

    Args:
        settings: What to do.
        progress: Is told what goes on, in a few words.

    Raises:
        MaintainError: One of its subclasses says what went wrong; the locks are as they were.
        LockError: The result, or the lock to update, breaks the policy.
    """
    specification = read_specification(settings.specification)
    conda_lock = find_conda_lock(settings.conda_lock)
    solver = find_solver(settings.conda) if settings.conda else None
    make_folder(settings.folder)
    for variant in settings.variants:
        cleared_beside(settings.folder / variant.lock_name)
    with scratch_folder() as stage:
        refreshed, texts = [], {}
        for variant in settings.variants:
            progress(f"solving {specification.path.name} for {variant.title}")
            one, text = _RefreshRun(settings, specification, conda_lock, solver, variant, stage).result()
            refreshed.append(one)
            if one.changed:
                texts[one.path] = text
        place(texts)
    return tuple(refreshed)


@dataclass(frozen=True)
class _RefreshRun:
    """One variant's way through conda-lock."""

    settings: RefreshSettings
    specification: Specification
    conda_lock: Path
    solver: Path | None
    variant: LockVariant
    stage: Path

    def result(self) -> tuple[Refreshed, str]:
        path = self.settings.folder / self.variant.lock_name
        old, old_text = self.old_lock(path)
        folder = self.stage / self.variant.name
        folder.mkdir()
        # Copied, so that the lock's metadata names its source by the bare name, wherever it was made.
        source = folder / self.specification.path.name
        shutil.copyfile(self.specification.path, source)
        lock_file = folder / self.variant.lock_name
        if self.settings.update:
            lock_file.write_text(old_text, encoding="utf-8")
        answer = folder / "answer.json"
        arguments, environ = self.arguments(source, lock_file), self.environ(folder, answer)
        status, output = run_conda_lock(self.conda_lock, arguments, folder=folder, environ=environ)
        answered: dict[str, Any] = json.loads(answer.read_text(encoding="utf-8")) if answer.is_file() else {}
        if status or not lock_file.is_file():
            raise self.fault(status, output, answered)
        records = answered.get("records", [])
        sizes = {r.sha256: r.size for r in (old.records if old else ()) if r.sha256 and r.size is not None}
        sizes |= {r["sha256"]: r["size"] for r in records if r["sha256"] and r["size"] is not None}
        text = annotate(lock_file.read_text(encoding="utf-8"), variant=self.variant, sizes=sizes)
        new = parse_lock(text.encode(), path)
        for platform in self.specification.platforms:
            validate(new, platform)
            fault = None if self.settings.channel else variant_fault(new, platform, self.variant)
            if fault:
                raise fault
        undated = sum(r["timestamp"] is None for r in records) if self.settings.exclude_newer else 0
        return Refreshed(self.variant, path, old, new, text != old_text, undated), text

    def old_lock(self, path: Path) -> tuple[Lock | None, str]:
        if not self.settings.update:
            try:
                return read_lock(path), path.read_text(encoding="utf-8")
            except LockError:
                # A full solve replaces a lost or broken lock.
                return None, ""
        old = read_lock(path)
        locked = {r.name for r in old.records}
        unknown = [name for name in self.settings.update if name not in locked]
        if unknown:
            raise UnknownPackageError(
                f"The lock for {self.variant.title} doesn't hold {', '.join(unknown)}.",
                evidence=[str(path), *_alike(unknown, locked)],
            )
        channels = (self.settings.channel,) if self.settings.channel else self.specification.channels
        if old.channels != channels:
            raise LockOutdatedError(
                "Can't update one package: the lock was solved from other channels.",
                evidence=[f"{path}: {', '.join(old.channels)}", f"requested: {', '.join(channels)}"],
                hint="Run `bootstrap lock` without `--update`.",
            )
        if self.solver and self.settings.update and set(self.settings.update) - set(self.specification.names):
            raise UnknownPackageError(
                "With --conda, only packages in environment.yml can be updated.",
                evidence=list(self.settings.update),
                hint="Omit `--conda`: the built-in solver can update any package.",
            )
        return old, path.read_text(encoding="utf-8")

    def arguments(self, source: Path, lock_file: Path) -> list[str]:
        # Without one conda-lock would go on with assumptions of its own.
        machine = self.variant.virtual_packages(self.specification.path.parent)
        solver = self.solver or write_front(source.parent / "bootstrap-solver")
        arguments = ["lock", "--conda", str(solver), "--no-mamba", "--file", str(source)]
        arguments += [
            "--lockfile",
            str(lock_file),
            "--kind",
            "lock",
            "--virtual-package-spec",
            str(machine.absolute()),
        ]
        for platform in self.specification.platforms:
            arguments += ["--platform", platform]
        if self.settings.channel:
            arguments += ["--channel", self.settings.channel]
        for name in self.moved():
            arguments += ["--update", name]
        return arguments

    def moved(self) -> list[str]:
        """The packages that conda-lock is asked to update.

        It knows only names of the specification (another is a KeyError); the built-in solver has the true ones in
        its brief, so that any will do.
        """
        named = [name for name in self.settings.update if name in self.specification.names]
        return named or ([self.specification.names[0]] if self.settings.update else [])

    def environ(self, folder: Path, answer: Path) -> dict[str, str]:
        cache = self.stage / "repodata"
        cache.mkdir(exist_ok=True)
        brief = folder / "brief.json"
        SolveBrief(
            answer=str(answer),
            cache=str(cache),
            repodata=str(self.settings.repodata.absolute()) if self.settings.repodata else None,
            exclude_newer=self.settings.exclude_newer,
            specs=tuple(map(str, self.specification.requirements)),
            update=self.settings.update,
        ).write(brief)
        # Settings of the maintainer's shell must not reach the lock.
        clean = {k: v for k, v in os.environ.items() if not k.startswith(("CONDA_", "MAMBA_", "PYTHON"))}
        briefed = {} if self.solver else {BRIEF_VARIABLE: str(brief)}
        return {**clean, **briefed, "TMPDIR": str(folder)}

    def fault(self, status: int, output: str, answered: dict[str, Any]) -> BootstrapError:
        where = f" ({self.variant.title})"
        if told := answered.get("fault"):
            kinds = {kind.error_id(): kind for kind in every_error()}
            message = told["message"].removesuffix(".") + where + "."
            return kinds[told["error"]](message, evidence=capped(told["evidence"], _SHOWN, "more lines"))
        evidence = _told(output) or ["no output"]
        return CondaLockFailedError(f"conda-lock ended with status {status}{where}.", evidence=evidence)


def _told(output: str) -> list[str]:
    """The part of conda-lock's output that says why: what the conda answered, or else its last lines."""
    lines = [line for line in output.splitlines() if line.strip()]
    for number, line in enumerate(lines):
        if _REFUSED in line and not line.startswith(" "):
            reason = itertools.takewhile(lambda x: not x.startswith(("    Command:", "Traceback")), lines[number:])
            return capped(list(reason), _SHOWN, "more lines")
    return lines[-_SHOWN:]


def _alike(names: Sequence[str], locked: set[str]) -> list[str]:
    close = [near for name in names for near in difflib.get_close_matches(name, sorted(locked), n=3)]
    return [f"similar: {', '.join(close)}"] if close else []
