"""Does what can be done about the causes of a report, and checks again.

Nothing is deleted that somebody might miss: files that no package owns are moved into a folder aside. What a
package owns is put back: in a restored prefix from the lock's verified archives, elsewhere by pip. What lies outside
the environment (a module in the working folder, a variable) is left alone; the report says what to do about it.

Before anything is moved, it is certain that what takes its place can be had; where a later step fails nevertheless,
what was moved comes back, and after a kill the next repair begins with that.
"""

from __future__ import annotations

import contextlib
import json
import os
import shutil
import subprocess
import tempfile
from pathlib import Path, PurePosixPath
from typing import TYPE_CHECKING

from bootstrap import provenance
from bootstrap.errors import RepairFailedError, RepairLockMissingError
from bootstrap.health.model import Report
from bootstrap.health.runner import check
from bootstrap.prefix.manifest import read_manifest
from bootstrap.prefix.paths import ASIDE

if TYPE_CHECKING:
    from collections.abc import Callable, Iterator, Sequence

    from bootstrap.health.model import Action
    from bootstrap.lock import Lock

_ORDER = ("set-aside", "delete", "restore", "pip")
_UNFINISHED = ".unfinished"
"""Beside what was moved: a line for each move of a repair under way."""
_PROBE_SECONDS = 120.0
_ROUNDS = 3
"""A repair may uncover what another fault had hidden; a third round that changes nothing is the last."""


def plan(report: Report) -> list[Action]:
    """What `repair` would do, in its order; a restart is the user's to do, and is not in it."""
    actions = dict.fromkeys(action for cause in report.causes for action in cause.actions)
    return [action for kind in _ORDER for action in actions if action.kind == kind]


def repair(
    report: Report,
    *,
    cache: Path | None = None,
    offline: bool = False,
    progress: Callable[[str], None] | None = None,
) -> Report:
    """Carries out the plan for a report and returns a new one.

    Args:
        report: As `bootstrap.health.check` returned it.
        cache: Folder of unpacked packages, for a prefix's restore.
        offline: Fetch nothing for it.
        progress: Called with a few words at each step.

    Raises:
        RepairLockMissingError: The prefix has to be brought back to its lock, and there is none; nothing was changed.
        RepairFailedError: pip failed, or a file can't be moved; what was moved before is where it was.
        BootstrapError: As `bootstrap.prefix.transaction.restore`.
    """
    from bootstrap.lock import read_lock

    tell = progress or (lambda _words: None)
    done: set[Action] = set()
    if plan(report) and _put_back(Path(report.prefix)):
        tell("put back what a killed repair had moved")
        report = _again(report, read_lock(Path(report.lock)) if report.lock else None)
    first = report
    with tempfile.TemporaryDirectory(prefix="bootstrap-") as folder, _moving(Path(report.prefix)) as take:
        for _ in range(_ROUNDS):
            todo = [action for action in plan(report) if action not in done or action.kind == "restore"]
            if not todo or set(todo) <= done:
                break
            lock = read_lock(Path(report.lock)) if report.lock else None
            _require_lock(todo, report, lock)
            commands: dict[Action, Sequence[str]] = {}
            for action in todo:
                if action.kind == "pip":
                    tell(f"fetch for: {action}")
                    commands[action] = _fetched(action.target, Path(folder))
            for action in todo:
                tell(str(action))
                if action.kind == "restore" and lock is not None:
                    from bootstrap.prefix.transaction import restore

                    restore(lock, Path(action.target[0]), cache=cache, offline=offline)
                elif action.kind == "pip":
                    _run(commands[action])
                else:
                    take(Path(action.target[0]), keep=action.kind == "set-aside")
            done.update(todo)
            provenance.accept_changes()
            tell("check again")
            report = _again(report, lock)
        if report.verdict == "broken" and first.verdict != "broken":
            raise RepairFailedError(
                "The repair would have made things worse, so it was rolled back.",
                evidence=[cause.summary for cause in report.causes if cause.severity == "broken"],
            )
    return report


def _require_lock(todo: Sequence[Action], report: Report, lock: Lock | None) -> None:
    """Raises where a prefix would have to be restored and can't be."""
    prefix = next((Path(action.target[0]) for action in todo if action.kind == "restore"), None)
    if prefix is None:
        return
    if read_manifest(prefix) is None:
        ways = [c.repair for c in report.causes if any(a.kind == "restore" for a in c.actions)]
        raise RepairLockMissingError(
            "Can't repair from a lock: bootstrap didn't create this environment, and conda owns its files.",
            evidence=[f"{prefix}: not restored by bootstrap (no manifest in conda-meta)", "nothing was changed"],
            hint=next(iter(ways), None),
        )
    if lock is None:
        raise RepairLockMissingError(
            "Can't repair: the lock that the environment was restored from no longer exists.",
            evidence=[str(prefix), "nothing was changed"],
        )


@contextlib.contextmanager
def _moving(prefix: Path) -> Iterator[Callable[..., None]]:
    """Gives what takes files out of an environment; unless all goes well, each comes back to where it was."""
    moved: list[tuple[Path, bool]] = []

    def take(path: Path, *, keep: bool) -> None:
        """Moves a file or folder aside, for good or until it can be deleted; nothing where it went before."""
        try:
            goal = _free_name(prefix / ASIDE / path.relative_to(prefix))
            if os.path.lexists(path):
                goal.parent.mkdir(parents=True, exist_ok=True)
                with (prefix / ASIDE / _UNFINISHED).open("a", encoding="utf-8") as file:
                    line = [str(part.relative_to(prefix)) for part in (path, goal)]
                    file.write(f"{json.dumps(line)}\n")
                path.rename(goal)
                moved.append((goal, keep))
        except (OSError, ValueError) as error:
            raise RepairFailedError(f"{path} can't be removed.", evidence=[str(error)]) from error

    try:
        yield take
    except BaseException:
        _put_back(prefix)
        raise
    if moved:
        (prefix / ASIDE / _UNFINISHED).unlink(missing_ok=True)
    for goal, keep in moved:
        if not keep:
            _delete(goal)
        _prune(goal.parent, prefix)


def _put_back(prefix: Path) -> bool:
    """Whether a repair was not finished here; what it had moved is then where it was.

    Where something else was put in the place of a file meanwhile, that file stays aside.
    """
    unfinished = prefix / ASIDE / _UNFINISHED
    try:
        lines = unfinished.read_text(encoding="utf-8").splitlines()
    except (OSError, ValueError):
        return False
    for line in reversed(lines):
        with contextlib.suppress(ValueError, TypeError):  # the last may be half written: its file wasn't moved yet
            named = [PurePosixPath(part) for part in json.loads(line)]
            path, goal = (prefix / part for part in named)
            if named[0].is_absolute() or named[1].parts[0] != ASIDE or any(".." in part.parts for part in named):
                continue
            if os.path.lexists(goal) and not os.path.lexists(path):
                path.parent.mkdir(parents=True, exist_ok=True)
                goal.rename(path)
            _prune(goal.parent, prefix)
    unfinished.unlink()
    _prune(unfinished.parent, prefix)
    return True


def _delete(path: Path) -> None:
    if path.is_dir() and not path.is_symlink():
        shutil.rmtree(path, ignore_errors=True)
    else:
        path.unlink(missing_ok=True)


def _prune(folder: Path, prefix: Path) -> None:
    """Removes folders aside that are empty."""
    while folder != prefix and folder.is_relative_to(prefix / ASIDE):
        try:
            folder.rmdir()
        except OSError:
            return
        folder = folder.parent


def _fetched(command: Sequence[str], folder: Path) -> Sequence[str]:
    """The command that needs nothing from elsewhere, for the wheel is fetched now, while nothing is changed yet.

    Where there is no such command, pip or uv says now that it could install.
    """
    at = command.index("install") if "install" in command else 0
    if "--no-deps" in command and command[0] != "uv":
        _run([*command[:at], "wheel", "--quiet", "--no-deps", "--wheel-dir", str(folder), command[-1]])
        return [*command, "--no-index", "--find-links", str(folder)]
    if at:
        try:
            _run([*command, "--dry-run"])
        except RepairFailedError as error:
            if "no such option" not in "".join(error.evidence):  # which pip has from 22.2 on
                raise
    return command


def _free_name(path: Path) -> Path:
    goal, number = path, 1
    while os.path.lexists(goal):
        number += 1
        goal = path.with_name(f"{path.name}.{number}")
    return goal


def _run(command: Sequence[str]) -> None:
    """Runs pip; its last lines are the evidence where it fails."""
    try:
        done = subprocess.run(command, capture_output=True, text=True, errors="replace", check=False)
    except OSError as error:
        raise RepairFailedError("Can't run the installer.", evidence=[" ".join(command), str(error)]) from error
    if done.returncode != 0:
        lines = (done.stderr or done.stdout).strip().splitlines()[-6:]
        raise RepairFailedError("pip couldn't repair the environment.", evidence=[" ".join(command), *lines])


def _again(report: Report, lock: Lock | None) -> Report:
    """The same check once more."""
    asked = [p.name.removeprefix("import ") for p in report.probes if p.name.startswith("import ")]
    return check(
        Path(report.prefix) if report.manager == "conda" else None,
        python=Path(report.python),
        lock=lock,
        imports=asked if report.imports is None else report.imports,
        full=report.level == "full",
        live=report.live,
        timeout=_PROBE_SECONDS,
    )


Report.repair = repair
