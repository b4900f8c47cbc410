"""Has the engine fill a stage; meanwhile proves each package that is in place, and vouches for its cache entry.

A run that is killed then keeps what it has.
"""

from __future__ import annotations

import os
import threading
from concurrent.futures import Future, ThreadPoolExecutor, wait
from contextlib import suppress
from typing import TYPE_CHECKING, Any

from bootstrap import profile
from bootstrap.errors import VerificationError
from bootstrap.prefix import engine as engine_process
from bootstrap.prefix.progress_tracker import ProgressTracker

if TYPE_CHECKING:
    from collections.abc import Callable, Mapping, Sequence

    from bootstrap.errors import BootstrapError
    from bootstrap.lock import Record
    from bootstrap.prefix.cache import PackageCache
    from bootstrap.prefix.verify import StageVerifier
    from bootstrap.progress import Progress


def fill(
    engine: engine_process.Engine,
    work: dict[str, Any],
    *,
    records: Sequence[Record],
    install: Sequence[Record],
    fetch: Sequence[Record],
    cache: PackageCache,
    proof: StageVerifier,
    progress: Progress,
    limits: Mapping[str, float],
    linked: Callable[[str], None],
) -> ProgressTracker:
    """Runs a job of the engine.

    Args:
        engine: The process for the first attempt.
        work: The job.
        records: All of the environment.
        install: What the job is expected to install; the engine has the last word.
        fetch: Those of them that the cache doesn't hold.
        cache: Receives the vouchers.
        proof: Receives the proofs.
        progress: Receives the states of the work.
        limits: Those of `engine.run`.
        linked: Called with the name of each package that is linked.

    Returns:
        What was fetched and linked.

    Raises:
        FetchError: An archive can't be fetched, or doesn't match the lock.
        PrefixError: Stage or cache can't be written, or entries of the cache are not as they were unpacked; the
            latter are discarded.
        EngineError: The engine ended in another way.
    """
    watch = ProgressTracker(progress, fetch)
    by_name = {record.name: record for record in records}
    settlement = _CacheVerifier(cache, proof, install, fetch)
    settling: list[Future[None]] = []

    def on_event(event: dict[str, Any]) -> None:
        watch.on_event(event)
        if event["event"] == "unmet":
            proof.asked.update((name, name) for name in event["names"])
        elif event["event"] == "linked":
            settling.append(pool.submit(settlement.verify, by_name[event["name"]]))
            linked(event["name"])

    def on_retry(error: BootstrapError, pause: float) -> None:
        progress.note(f"{error.message} Retrying in {pause:.0f} s.")
        drop_unfinished()

    def drop_unfinished() -> None:
        # An engine that was stopped may have left half a package, which the next one would take for whole, and the
        # folders in which it unpacked.
        wait(settling)
        cache.discard_unverified()

    # Where nothing is fetched the engine leaves no gaps, and both are done soonest if they share.
    with ThreadPoolExecutor(1, initializer=_step_back if fetch else None) as pool:
        try:
            engine_process.run(work, engine, on_event=on_event, on_retry=on_retry, **limits)
        finally:
            watch.close()
            drop_unfinished()
    for settled in settling:
        settled.result()
    for record in proof.outdated():
        settlement.verify(record)
    settlement.require_unaltered()
    return watch


class _CacheVerifier:
    """What becomes of the cache's entries while their packages are linked."""

    def __init__(
        self, cache: PackageCache, proof: StageVerifier, install: Sequence[Record], fetch: Sequence[Record]
    ) -> None:
        self._cache = cache
        self._proof = proof
        self._fetched = {record.name for record in fetch}
        # The engine recreates an entry that it can't use, from an archive that nobody may have checked.
        self._made = {record.name: cache.made(record) for record in install if record.name not in self._fetched}
        self._altered: list[Record] = []

    def verify(self, record: Record) -> None:
        """Proves a package that is linked, and vouches for its entry; or sees whether the entry is as it was."""
        with profile.span(f"prove the files of {record.name}", part=True):
            self._verify(record)

    def _verify(self, record: Record) -> None:
        tree = self._proof.add(record)
        if record.name in self._fetched:
            # Linked, not merely unpacked: then the engine has compared the archive's hash.
            if tree:
                self._cache.mark_verified(record, tree)
        elif record.name in self._made and not self._as_it_was(record, tree):
            self._altered.append(record)

    def _as_it_was(self, record: Record, tree: str | None) -> bool:
        same = self._cache.made(record) == self._made[record.name]
        return same and (self._cache.agrees(record, tree) or self._cache.find(record))

    def require_unaltered(self) -> None:
        """Raises where entries were altered; they are deleted."""
        if self._altered:
            for record in self._altered:
                self._cache.discard(record.stem)
            evidence = [f"{self._cache.pkgs / record.stem}" for record in self._altered[:10]]
            raise VerificationError("Packages in the cache have changed since they were unpacked.", evidence=evidence)


def _step_back() -> None:
    """Gives this thread, and no other, the lowest priority: the engine comes first, and leaves gaps."""
    with suppress(OSError):
        os.setpriority(os.PRIO_PROCESS, threading.get_native_id(), 19)
