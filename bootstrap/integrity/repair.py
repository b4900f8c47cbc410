"""Does what can be done about the causes of a report, and checks again.

Nothing is deleted that somebody might miss: files that no package owns are moved into a folder aside. What a
package owns is put back: in a restored prefix from the lock's verified archives, elsewhere by pip. What lies outside
the environment (a module in the working folder, a variable) is left alone; the report says what to do about it.
"""

from __future__ import annotations

import os
import shutil
import subprocess
from pathlib import Path
from typing import TYPE_CHECKING

from bootstrap.errors import RepairFailedError, RepairLockMissingError
from bootstrap.prefix.paths import ASIDE

if TYPE_CHECKING:
    from collections.abc import Callable, Sequence

    from bootstrap.integrity.model import Action, Report
    from bootstrap.lock import Lock

_ORDER = ("set-aside", "delete", "restore", "pip")
_ROUNDS = 3
"""A repair may uncover what another fault had hidden; a third round that changes nothing is the last."""


def plan(report: Report) -> list[Action]:
    """What `repair` would do, in its order; a restart is the user's to do, and is not in it."""
    found = dict.fromkeys(action for cause in report.causes for action in cause.actions)
    return [action for kind in _ORDER for action in found if action.kind == kind]


def repair(
    report: Report,
    *,
    cache: Path | None = None,
    offline: bool = False,
    progress: Callable[[str], None] | None = None,
) -> Report:
    """Carries out the plan for a report and returns a new one.

    Args:
        report: As `bootstrap.integrity.check` returned it.
        cache: Folder of unpacked packages, for a prefix's restore.
        offline: Fetch nothing for it.
        progress: Called with a few words at each step.

    Raises:
        RepairLockMissingError: The prefix has to be brought back to its lock, and there is none.
        RepairFailedError: pip failed, or a file can't be moved.
        BootstrapError: As `bootstrap.prefix.restore`.
    """
    from bootstrap.lock import read_lock

    tell = progress or (lambda _words: None)
    done: set[Action] = set()
    for _ in range(_ROUNDS):
        todo = [action for action in plan(report) if action not in done or action.kind == "restore"]
        if not todo or set(todo) <= done:
            break
        lock = read_lock(Path(report.lock)) if report.lock else None
        for action in todo:
            tell(str(action))
            _carry_out(action, Path(report.prefix), lock, cache=cache, offline=offline)
        done.update(todo)
        tell("check again")
        report = _again(report, lock)
    return report


def _carry_out(action: Action, prefix: Path, lock: Lock | None, *, cache: Path | None, offline: bool) -> None:
    if action.kind == "restore":
        from bootstrap.prefix import restore

        if lock is None:
            raise RepairLockMissingError(
                "The environment can't be repaired: the lock that it was restored from isn't there any more.",
                evidence=list(action.target),
            )
        restore(lock, Path(action.target[0]), cache=cache, offline=offline)
    elif action.kind == "pip":
        _run(action.target)
    else:
        path = Path(action.target[0])
        try:
            if action.kind == "set-aside":
                goal = _free_name(prefix / ASIDE / path.relative_to(prefix))
                goal.parent.mkdir(parents=True, exist_ok=True)
                path.rename(goal)
            elif path.is_dir() and not path.is_symlink():
                shutil.rmtree(path)
            else:
                path.unlink(missing_ok=True)
        except FileNotFoundError:
            pass  # it went with its folder
        except OSError as error:
            raise RepairFailedError(f"{path} can't be taken away.", evidence=[str(error)]) from error


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
        raise RepairFailedError("The installer can't be run.", evidence=[" ".join(command), str(error)]) from error
    if done.returncode != 0:
        lines = (done.stderr or done.stdout).strip().splitlines()[-6:]
        raise RepairFailedError("pip could not repair the environment.", evidence=[" ".join(command), *lines])


def _again(report: Report, lock: Lock | None) -> Report:
    """The same check once more."""
    from bootstrap.integrity import check

    asked = [p.name.removeprefix("import ") for p in report.probes if p.name.startswith("import ")]
    return check(
        Path(report.prefix) if report.manager == "conda" else None,
        python=Path(report.python),
        lock=lock,
        imports=asked if report.imports is None else report.imports,
        full=report.level == "full",
        live=report.live,
    )
