"""From any state of a machine to one whose notebook runs in the locked environment."""

from __future__ import annotations

import json
import os
import sys
import time
from concurrent.futures import ThreadPoolExecutor
from contextlib import AbstractContextManager, nullcontext
from pathlib import Path
from typing import TYPE_CHECKING, Any, NoReturn

from bootstrap.errors import KernelRestartError
from bootstrap.lock import judge
from bootstrap.prefix import PLATFORM, Restored, compare_prefix, restore
from bootstrap.prefix.cache import default_cache
from bootstrap.prefix.records import is_environment
from bootstrap.prefix.state import read_state
from bootstrap.progress import Progress, Step
from bootstrap.runtime import bridge, condacolab, wrapper
from bootstrap.runtime.health import protect, validate
from bootstrap.runtime.journal import Journal, write_beside
from bootstrap.runtime.kernel import move
from bootstrap.runtime.layout import Layout
from bootstrap.runtime.machine import Machine, require_fit
from bootstrap.runtime.proof import Proof, prove, prove_here
from bootstrap.runtime.ready import Ready

if TYPE_CHECKING:
    from bootstrap.lock import Lock, Record

KERNEL_NAME = "condacolab-bootstrap"
_KERNEL_LABEL = "Locked environment (condacolab-bootstrap)"
_SECONDS_TO_ANSWER = 1.0


def set_up(
    lock: Lock,
    prefix: Path,
    machine: Machine,
    *,
    cache: Path | None = None,
    offline: bool = False,
    adopt: bool = False,
    progress: Progress,
) -> Ready:
    """Restores a lock, proves that a kernel starts there, and has the notebook run in it. Can be run at any time.

    On Colab condacolab installs, kernels are started in the environment from now on, and the one that runs this is
    moved there after its cell. Elsewhere a kernel is registered, to be chosen by name.

    Args:
        lock: The lock.
        prefix: Where the environment is, or shall be.
        machine: The machine, with the variant that was chosen.
        cache: Folder of unpacked packages.
        offline: Fetch nothing.
        adopt: Also take over a conda environment that this program did not make.
        progress: Receives the states of the work.

    Raises:
        BootstrapError: The machine doesn't fit, the restore failed, or no kernel can start in what was restored. The
            kernel that runs this then goes on.
        KernelRestartError: This kernel can't be moved, and is restarted now.
    """
    began = time.monotonic()
    records = judge(lock, PLATFORM)
    require_fit(machine, records)
    layout = Layout(prefix)
    colab = machine.kind == "colab"
    inside = Path(sys.prefix).resolve() == prefix.resolve()
    journal = Journal()
    if not inside:
        journal.keep(prefix, *(() if cache else (default_cache(),)))
        journal.note(prefix=str(prefix))
    how: dict[str, Any] = {"cache": cache, "offline": offline, "adopt": adopt, "progress": progress}
    restored = _restore(lock, records, prefix, journal, by_condacolab=colab and not inside, **how)
    kernel = move.live_kernel()
    if not inside:
        progress.step(Step("connecting"))
        python = wrapper.machine_python()
        bridge.build(layout, colab=colab)
        wrapper.write_entry(layout, wrapper.original_of(python) if colab else None)
        if colab:
            journal.note(environment=dict(os.environ), python=str(python))
    progress.step(Step("proving"))
    if inside and restored.action == "unchanged":
        action = "inside"
        validate(prefix, lock, live=True, progress=progress)
        proof = prove_here(prefix, records)
    else:
        action = "registered" if not colab else "moves" if kernel is not None else "restart"
        launcher = "colab_kernel_launcher" if colab else "ipykernel_launcher"
        # Two processes that wait for imports: side by side they take as long as the longer one.
        with ThreadPoolExecutor(1) as pool:
            proving = pool.submit(prove, layout, launcher, records)
            validate(prefix, lock, live=False, progress=progress)
            proof = proving.result()
    moving: AbstractContextManager[None] = nullcontext()
    obstacle = move.obstacle(kernel) if action == "moves" else None
    if action == "moves" and obstacle is None:
        progress.step(Step("starting"))
        moving = move.moving(kernel, move.Target([str(layout.entry)], dict(os.environ)))
    with moving:
        protect(prefix, lock.path)
        if not colab:
            _register(layout, journal)
        elif "python" in journal.facts:
            wrapper.install(Path(journal.facts["python"]), layout, journal)
        ready = _ready(action, lock, layout, machine, restored, proof, time.monotonic() - began)
    if obstacle is not None:
        progress.note(str(ready.card))
        _restart(kernel, obstacle)
    return ready


def _restore(
    lock: Lock,
    records: tuple[Record, ...],
    prefix: Path,
    journal: Journal,
    *,
    by_condacolab: bool,
    progress: Progress,
    **how: Any,
) -> Restored:
    """Brings the prefix to the lock; by way of condacolab, where there is anything to do and it is Colab's kernel."""
    if prefix.is_dir() and is_environment(prefix) and read_state(prefix) is not None:
        progress.step(Step("comparing"))
        if compare_prefix(prefix, records, hash_all=False).agrees:
            return Restored(prefix, lock.path, "unchanged", len(records))
    if by_condacolab:
        # One that a killed kernel has left behind would go on beside this one.
        condacolab.stop(journal.facts.get("installer", 0))
        return condacolab.install(
            lock.path,
            prefix,
            progress=progress,
            scratch=journal.folder,
            started=lambda group: journal.note(installer=group),
            **how,
        )
    return restore(lock, prefix, progress=progress, **how)


def _ready(
    action: str, lock: Lock, layout: Layout, machine: Machine, restored: Restored, proof: Proof, seconds: float
) -> Ready:
    return Ready(
        action=action,
        prefix=layout.prefix,
        lock=lock.path,
        variant=machine.variant.name,
        reason=machine.variant.reason,
        machine=str(machine),
        python=proof.python,
        numpy=proof.numpy,
        packages=restored.packages,
        restored=restored.action,
        seconds=round(seconds, 2),
        kernel=_KERNEL_LABEL if action == "registered" else "",
    )


def _restart(kernel: Any, why: str) -> NoReturn:
    """Has a kernel that can't be moved start anew."""
    # The reply to this cell goes out first; the error in it has the queued cells given up by the kernel itself.
    loop = kernel.io_loop
    loop.add_callback(loop.call_later, _SECONDS_TO_ANSWER, kernel.do_shutdown, True)
    raise KernelRestartError(
        "The environment is ready; this kernel restarts once, now, to run in it.",
        evidence=[f"it can't be moved while it runs: {why}", "the page may say that the session crashed: it did not"],
    )


def _register(layout: Layout, journal: Journal) -> None:
    """Offers the environment as a kernel to the user's Jupyter."""
    base = os.environ.get("JUPYTER_DATA_DIR") or os.environ.get("XDG_DATA_HOME", "")
    data = Path(base) if base else Path.home() / ".local/share"
    folder = (data if os.environ.get("JUPYTER_DATA_DIR") else data / "jupyter") / "kernels" / KERNEL_NAME
    journal.keep(folder, folder / "kernel.json")
    folder.mkdir(parents=True, exist_ok=True)
    spec = {
        "argv": [str(layout.entry), "ipykernel_launcher", "-f", "{connection_file}"],
        "display_name": _KERNEL_LABEL,
        "language": "python",
        "metadata": {"debugger": True},
    }
    write_beside(folder / "kernel.json", json.dumps(spec, indent=1) + "\n", mode=0o644)
