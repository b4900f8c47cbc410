"""From any state of a machine to one whose notebook runs in the locked environment."""

from __future__ import annotations

import json
import os
import time
from contextlib import AbstractContextManager, nullcontext
from pathlib import Path
from typing import TYPE_CHECKING, Any, NoReturn

from bootstrap import guard, profile
from bootstrap._util.atomic import write_atomically
from bootstrap.errors import KernelRestartError, SystemRefusedError
from bootstrap.lock import PLATFORM, validate
from bootstrap.lock.address import origin
from bootstrap.packs.opening import open_pack
from bootstrap.prefix.cache import default_cache
from bootstrap.prefix.compare import Comparison, compare_prefix
from bootstrap.prefix.manifest import read_manifest
from bootstrap.prefix.place import absolute
from bootstrap.prefix.restore_options import RestoreOptions
from bootstrap.prefix.transaction import Restored, restore
from bootstrap.progress import Progress, Step
from bootstrap.runtime import condacolab, launchers
from bootstrap.runtime.environment_paths import EnvironmentPaths
from bootstrap.runtime.hosting import Hosting
from bootstrap.runtime.journal import Journal
from bootstrap.runtime.kernel import move
from bootstrap.runtime.machine import Machine, require_fit
from bootstrap.runtime.needs import require_kernel
from bootstrap.runtime.run_result import RunResult

if TYPE_CHECKING:
    from bootstrap.lock import Lock

KERNEL_NAME = "condacolab-bootstrap"
_KERNEL_LABEL = "Locked environment (condacolab-bootstrap)"
_SECONDS_TO_ANSWER = 1.0


def set_up(
    lock: Lock,
    prefix: Path,
    machine: Machine,
    options: RestoreOptions = RestoreOptions(),  # noqa: B008 - it can't be changed
    *,
    progress: Progress,
) -> RunResult:
    """Restores a lock, proves that a kernel starts there, and has the notebook run in it. Can be run at any time.

    On Colab condacolab installs, kernels are started in the environment from now on, and the one that runs this is
    moved there after its cell. Elsewhere a kernel is registered, to be chosen by name.

    Args:
        lock: The lock.
        prefix: Where the environment is, or will be.
        machine: The machine, with the variant that was chosen.
        options: Of the restore.
        progress: Receives the states of the work.

    Raises:
        BootstrapError: The machine doesn't fit, the restore failed, or no kernel can start in what it made. The
            environment in place and the kernel that runs this are then as they were.
        KernelRestartError: This kernel can't be moved, and is restarted now.
    """
    try:
        return _set_up(lock, prefix, machine, options, progress)
    except OSError as error:
        raise SystemRefusedError("The operating system reported an error.", evidence=[str(error)]) from error


def _set_up(lock: Lock, prefix: Path, machine: Machine, options: RestoreOptions, progress: Progress) -> RunResult:
    began = time.monotonic()
    records = validate(lock, PLATFORM)
    require_fit(machine, records)
    colab = machine.kind == "colab"
    require_kernel(records, colab=colab)
    layout = EnvironmentPaths(prefix)
    journal = Journal()
    hosting = Hosting(prefix, lock, records, colab, journal, progress)
    if not hosting.inside:
        # Of the cache's folder only these are ours.
        journal.keep(
            prefix, *(() if options.cache else (default_cache() / name for name in ("locks", "pkgs", "vouchers")))
        )
        journal.note(prefix=str(prefix))
    compared = _compare(hosting)
    if compared is not None:
        restored = Restored(prefix, lock.path, "unchanged", len(records))
        hosting.prove(prefix, compared, again=True)
    else:
        restored = _restore(hosting, options)
    kernel = move.live_kernel()
    if hosting.inside and restored.action == "unchanged":
        action = "inside"
    else:
        action = "registered" if not colab else "moves" if kernel is not None else "restart"
    moving: AbstractContextManager[None] = nullcontext()
    obstacle = move.obstacle(kernel) if action == "moves" else None
    if action == "moves" and obstacle is None:
        progress.step(Step("starting"))
        moving = move.moving(kernel, move.KernelTarget([str(layout.entry)], dict(os.environ)))
    with moving:
        with profile.span("turn the guard on"):
            if guard.status(prefix).state != "off":  # as the user has turned it
                guard.on(prefix, lock.path)
        if not colab:
            _register(layout, journal)
        elif not hosting.inside:
            journal.note(environment=dict(os.environ), python=str(launchers.machine_python(journal)))
            journal.keep(*condacolab.CONFIGURATION)
        if colab and "python" in journal.facts:
            launchers.install(Path(journal.facts["python"]), layout, journal)
        locked = {record.name: record.version for record in records}
        ready = RunResult(
            action=action,
            prefix=prefix,
            lock=lock.path,
            origin=origin(lock.path),
            variant=machine.variant.name,
            reason=machine.variant.reason,
            machine=str(machine),
            python=locked["python"],
            numpy=locked["numpy"],
            pytorch=locked.get("pytorch", ""),
            packages=restored.packages,
            restored=restored.action,
            seconds=round(time.monotonic() - began, 2),
            kernel=_KERNEL_LABEL if action == "registered" else "",
        )
    if obstacle is not None:
        progress.note(str(ready.card))
        _restart(kernel, obstacle)
    return ready


def _compare(hosting: Hosting) -> Comparison | None:
    """How the environment differs from the lock; None where it lacks something that a kernel is started with.

    It has all of that only if it was proven with it.
    """
    prefix = hosting.prefix
    if read_manifest(prefix) is None:
        return None
    hosting.progress.step(Step("comparing"))
    with profile.span("compare"):
        compared = compare_prefix(prefix, hosting.records, hash_all=False)
        return compared if compared.agrees and hosting.present(prefix) else None


def _restore(hosting: Hosting, options: RestoreOptions) -> Restored:
    """Brings the prefix to the lock, proven before it is in place; by way of condacolab, if it is Colab's kernel."""
    if hosting.colab and not hosting.inside:
        journal = hosting.journal
        # One that a killed kernel has left behind would go on beside this one.
        condacolab.stop(journal.facts.get("installer", 0))
        if (why := condacolab.obstacle()) is None:
            return condacolab.install(
                hosting.lock.path,
                hosting.prefix,
                options,
                progress=hosting.progress,
                scratch=journal.own,
                started=lambda group: journal.note(installer=group),
            )
        hosting.progress.note(f"{why}; restoring the lock without it.")
    cache = absolute(options.cache or default_cache())
    pack = open_pack(options.pack, cache, offline=options.offline) if options.pack else nullcontext()
    with pack as source:
        return restore(
            hosting.lock,
            hosting.prefix,
            cache=options.cache,
            offline=options.offline,
            adopt=options.adopt,
            source=source,
            additions=hosting,
            progress=hosting.progress,
        )


def _restart(kernel: Any, why: str) -> NoReturn:
    """Restarts a kernel that can't be moved."""
    # The reply to this cell goes out first; the error in it has the queued cells given up by the kernel itself.
    loop = kernel.io_loop
    loop.add_callback(loop.call_later, _SECONDS_TO_ANSWER, kernel.do_shutdown, True)
    raise KernelRestartError(
        "The environment is ready; this kernel restarts once, now, to run in it.",
        evidence=[f"it can't be moved while it runs: {why}", "the page may report a crash; ignore it"],
    )


def _register(layout: EnvironmentPaths, journal: Journal) -> None:
    """Offers the environment as a kernel to the user's Jupyter."""
    base = os.environ.get("JUPYTER_DATA_DIR") or os.environ.get("XDG_DATA_HOME", "")
    data = Path(base) if base else Path.home() / ".local/share"
    folder = (data if os.environ.get("JUPYTER_DATA_DIR") else data / "jupyter") / "kernels" / KERNEL_NAME
    journal.keep(folder / "kernel.json")
    folder.mkdir(parents=True, exist_ok=True)
    spec = {
        "argv": [str(layout.entry), "ipykernel_launcher", "-f", "{connection_file}"],
        "display_name": _KERNEL_LABEL,
        "language": "python",
        "metadata": {"debugger": True},
    }
    write_atomically(folder / "kernel.json", json.dumps(spec, indent=1) + "\n", mode=0o644)
