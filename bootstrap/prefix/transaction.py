"""Brings a prefix to exactly what a lock says."""

from __future__ import annotations

import errno
import os
import shlex
import time
from contextlib import nullcontext
from dataclasses import dataclass, field, replace
from typing import TYPE_CHECKING, Protocol

from bootstrap import profile
from bootstrap.card import Card, Shown
from bootstrap.console import megabytes
from bootstrap.errors import (
    ArchiveCorruptError,
    BootstrapError,
    DiskSpaceError,
    EngineError,
    InterruptedRestoreError,
    InTheWayError,
    NotOursError,
    OfflineError,
    PrefixNotWritableError,
    SystemRefusedError,
    UnsafePackageError,
    VerificationError,
)
from bootstrap.lock import PLATFORM, validate
from bootstrap.lock.address import origin
from bootstrap.lock.requested import requested
from bootstrap.prefix import engine as engine_process
from bootstrap.prefix import plan
from bootstrap.prefix.cache import PackageCache, default_cache
from bootstrap.prefix.compare import Comparison, compare_prefix
from bootstrap.prefix.conda_history import add_revision, has_history
from bootstrap.prefix.environments_txt import register
from bootstrap.prefix.foreign_dists import remove_overlays
from bootstrap.prefix.manifest import MANIFEST_FILE, is_ours, read_manifest, write_manifest
from bootstrap.prefix.paths import ASIDE, ENGINES_OWN, astray
from bootstrap.prefix.place import absolute, settled
from bootstrap.prefix.populate import fill
from bootstrap.prefix.records import META_DIR, adopt_records, require_environment
from bootstrap.prefix.retry import RETRY_BUDGET
from bootstrap.prefix.space import require_space
from bootstrap.prefix.staging import Staging, hold
from bootstrap.prefix.verify import StageVerifier, sweep_bytecode
from bootstrap.progress import NullProgress, Progress, Step

if TYPE_CHECKING:
    from collections.abc import Callable, Mapping, Sequence
    from contextlib import AbstractContextManager
    from pathlib import Path

    from bootstrap.lock import Lock, Record
    from bootstrap.prefix.manifest import Manifest
    from bootstrap.profile import Profile


_PACK_STALL_SECONDS = RETRY_BUDGET + 2 * engine_process.STALL_SECONDS


class Additions(Protocol):
    """What is put into an environment beside its packages, and proven there, before it takes its place."""

    def present(self, prefix: Path) -> bool:
        """Whether an environment in place has all of it."""

    def meanwhile(self, stage: Path) -> AbstractContextManager[Callable[[str | None], None]]:
        """While a new environment is filled and proven: is told of each package that is linked, by its
        name, and with None when all are.

        It ends before the environment takes its place, well or not.
        """

    def add(self, stage: Path) -> None:
        """Adds and proves it in an environment whose packages are verified, and which is not in its place yet.

        Raises:
            BootstrapError: The environment can't be used; it is thrown away, and the prefix stays as it was.
        """


class ArchiveSource(Protocol):
    """Where a restore takes its archives from, in place of the addresses in the lock."""

    @property
    def downloads(self) -> int:
        """How many of them to ask for at a time; 0 for as many as from a channel."""

    def serving(self, records: Sequence[Record]) -> AbstractContextManager[Mapping[str, str]]:
        """Has the archives of some records at addresses, by the packages' names, for as long as the context lasts."""

    def room(self, records: Sequence[Record]) -> int:
        """Bytes that installing some packages needs room for."""

    def most_written(self, records: Sequence[Record]) -> int:
        """Bytes that unpacking and linking them may write."""

    def explained(self, error: BootstrapError) -> BootstrapError:
        """What an error of the engine was, seen from here."""

    def prove(self, state: Manifest) -> None:
        """Proves what was restored, before anything of it is run and before it takes its place.

        Raises:
            BootstrapError: It is not what this has.
        """


@dataclass(frozen=True, repr=False)
class Restored(Shown):
    """What a restore did."""

    prefix: Path
    lock: Path
    action: str
    """``created``, ``updated``, ``repaired`` (only altered files), ``adopted`` (only records) or ``unchanged``."""
    packages: int
    """How many the environment has."""
    installed: tuple[str, ...] = ()
    """Packages newly written, as ``name version``."""
    removed: tuple[str, ...] = ()
    """Packages no longer there or there in another version, as ``name version``."""
    fetched: int = 0
    """How many packages had to be fetched."""
    fetched_bytes: int = 0
    """Bytes fetched."""
    seconds: Mapping[str, float] = field(default_factory=dict)
    """Wall time of each part."""
    profile: Profile | None = None
    """Where the time went, if that was asked for."""

    @property
    def card(self) -> Card:
        """The same for people, and how to use the environment."""
        # Quoted for a shell: a folder's name may have blanks.
        place = shlex.quote(str(self.prefix))
        activate = self.prefix / "bin/activate"
        way = f"source {shlex.quote(str(activate))} {place}" if activate.is_file() else f"conda activate {place}"
        use = f"`{shlex.quote(str(self.prefix / 'bin/python'))}` is its Python; in a shell: `{way}`"
        details = tuple(self.profile.lines()) if self.profile else ()
        if self.action == "unchanged":
            title = f"{self.prefix} agrees with {origin(self.lock)} ({self.packages} packages)"
            return Card(title=title, verdict="ok", word="ready", details=details, next=use)
        fetched = f"{self.fetched} fetched" if self.fetched else "all from the cache"
        size = f" ({megabytes(self.fetched_bytes)})" if self.fetched_bytes else ""
        title = (
            f"{self.prefix}: {self.packages} packages, {len(self.installed)} installed, {fetched}{size}, "
            f"{sum(self.seconds.values()):.1f} s"
        )
        return Card(title=title, verdict="ok", word=self.action, details=details, next=use)

    @property
    def in_full(self) -> Card:
        """The same with what each part took, and each package that changed."""
        rows = [("lock", origin(self.lock)), *((part, f"{took:.2f} s") for part, took in self.seconds.items())]
        changes = [*(f"- {name}" for name in self.removed), *(f"+ {name}" for name in self.installed)]
        return replace(self.card, rows=tuple(rows), details=(*self.card.details, *changes))


def restore(
    lock: Lock,
    prefix: Path,
    *,
    cache: Path | None = None,
    offline: bool = False,
    adopt: bool = False,
    source: ArchiveSource | None = None,
    additions: Additions | None = None,
    progress: Progress | None = None,
    engine: engine_process.Engine | None = None,
    stall_seconds: float = engine_process.STALL_SECONDS,
    retry_budget: float = RETRY_BUDGET,
) -> Restored:
    """Restores a lock into a prefix: exact records, no solve, everything verified.

    A new environment is built beside its place and moved there when it is proven; one that is in place is
    updated to the lock by its differences, in a copy that shares its files, and stays usable until the copy
    replaces it. Files that belong to no conda package (what pip installed, say) are kept. Does nothing when the
    prefix agrees already.

    Args:
        lock: The lock.
        prefix: Where the environment is, or will be.
        cache: Folder of unpacked packages; `default_cache()` unless given.
        offline: Use only what the cache holds.
        adopt: Also take over a conda environment that this program did not make.
        source: Where the archives come from; the addresses in the lock unless given.
        additions: What else belongs into the environment, and is to be proven before the switch.
        progress: Receives the states of the work.
        engine: The engine's process, where it was started beforehand; it is ended here in any case.
        stall_seconds: Silence after which a download is started again.
        retry_budget: Seconds in which faults of server and network are tried again.

    Raises:
        LockError: The lock can't be used.
        PrefixError: The prefix can't be used, or what was restored does not verify.
        FetchError: An archive can't be fetched, or doesn't match the lock.
        EngineError: The installing engine failed otherwise.
        InterruptedRestoreError: The user stopped it.
        BootstrapError: What `additions` raised.
        In every case the prefix is as it was before.
    """
    records = validate(lock, PLATFORM)
    prefix = settled(prefix)
    run = _RestoreRun(
        lock=lock,
        records=records,
        prefix=prefix,
        cache=PackageCache(absolute(cache or default_cache())),
        offline=offline,
        source=source,
        additions=additions,
        progress=progress or NullProgress(),
        engine=engine,
        # What a pack comes from is tried again by the pack, which is silent for as long.
        limits={
            "stall_seconds": max(stall_seconds, _PACK_STALL_SECONDS) if source else stall_seconds,
            "retry_budget": 0.0 if source else retry_budget,
        },
    )
    umask = os.umask(0o077)
    os.umask(umask | 0o002)  # nothing that is made here may be written by everybody
    try:
        with hold(
            prefix,
            waiting=lambda: run.progress.note("Another restore is running on this prefix; waiting for it to finish."),
        ) as staging:
            if staging.late is not None:
                run.progress.note("An earlier restore was interrupted right after its switch; it is finished now.")
                run.tell_aside(staging.late)
            return run.go(staging, adopt=adopt)
    except KeyboardInterrupt as error:
        hint = "Run this again to finish: completed downloads are kept, and no half-built environment is in place."
        raise InterruptedRestoreError("The restore was interrupted.", evidence=[str(prefix)], hint=hint) from error
    except OSError as error:
        raise _named(error) from error
    finally:
        os.umask(umask)
        run.progress.close()
        if engine:
            engine.close()


def _named(error: OSError) -> BootstrapError:
    evidence = [str(error)]
    if error.errno in (errno.ENOSPC, errno.EDQUOT):
        return DiskSpaceError("The disk filled up.", evidence=evidence)
    if error.errno in (errno.EROFS, errno.EACCES, errno.EPERM, errno.ENOTDIR):
        return PrefixNotWritableError("The prefix or the cache isn't writable.", evidence=evidence)
    return SystemRefusedError("The operating system reported an error.", evidence=evidence)


@dataclass
class _RestoreRun:
    """One restore, with what it learns on its way."""

    lock: Lock
    records: tuple[Record, ...]
    prefix: Path
    cache: PackageCache
    offline: bool
    source: ArchiveSource | None
    additions: Additions | None
    progress: Progress
    limits: dict[str, float]
    engine: engine_process.Engine | None
    new: bool = False
    """Whether there is no environment yet."""
    seconds: dict[str, float] = field(default_factory=dict)
    fetched_bytes: int = 0
    linked: set[str] = field(default_factory=set)
    places: Mapping[str, str] = field(default_factory=dict)
    """Where archives are, by their packages' names, if not where the lock says."""

    def go(self, staging: Staging, *, adopt: bool) -> Restored:
        before = self.examine(adopt=adopt)
        adopted = before.agrees and not is_ours(self.prefix)
        listed = before.by_manifest or (before.agrees and read_manifest(self.prefix) is not None)
        known = listed and has_history(self.prefix / META_DIR)
        if known and (self.additions is None or self.additions.present(self.prefix)):
            return self.result(before, fetched=())
        waiting = "Another restore is using this cache; waiting for it to finish."
        with (
            self.cache.locked(lambda: self.progress.note(waiting)),
            self.source.serving(plan.to_install(before, self.records)) if self.source else nullcontext({}) as places,
            self.engine or engine_process.Engine() as engine,
        ):
            self.places = places
            # The entries for a new environment are believed until they are linked, when every file is looked at in
            # any case. What few are installed into one that is there often are those of altered files.
            fetch = self.look_in_cache(before, closely=not self.new)
            try:
                self.build(engine, staging, before, fetch)
            except (EngineError, ArchiveCorruptError, UnsafePackageError, VerificationError):
                again = self.look_in_cache(before, closely=True)
                altered = [record for record in again if record not in fetch]
                if not altered:
                    raise
                names = ", ".join(record.name for record in altered)
                self.progress.note(f"Changed in the cache since unpacking, so fetched again: {names}.")
                staging.clean()
                with engine_process.Engine() as another:
                    self.build(another, staging, before, again)
                fetch = [*fetch, *altered]
        done = self.result(before, fetched=fetch)
        return replace(done, action="adopted") if adopted else done

    def examine(self, *, adopt: bool) -> Comparison:
        """How the prefix differs from the lock."""
        if not self.prefix.exists() or (self.prefix.is_dir() and not any(self.prefix.iterdir())):
            self.new = True
            return Comparison(missing=self.records)
        require_environment(self.prefix)
        if not is_ours(self.prefix) and not adopt:
            raise NotOursError(
                "The prefix is a conda environment that bootstrap didn't create.",
                evidence=[f"{self.prefix}: not restored by bootstrap (no manifest in conda-meta)"],
            )
        self.progress.step(Step("comparing"))
        started = time.monotonic()
        comparison = compare_prefix(self.prefix, self.records, hash_all=False)
        self.refuse_to_go_astray(comparison)
        self.timed("compare", started)
        return comparison

    def refuse_to_go_astray(self, before: Comparison) -> None:
        """Raises where what has to be removed or put back lies outside of the prefix, or seems to."""
        bad = [f"{b.meta}: {b.reason}" for b in before.unreadable if b.astray]
        if bad:
            raise InTheWayError(
                "A record in the environment lists a path that no package may own.", evidence=bad[:10]
            )
        kept = {record.stem for record in plan.to_keep(before, self.records)}
        paths = [f"{name}/" for name in ENGINES_OWN]
        paths += [file.path for record in before.installed if record.stem not in kept for file in record.files]
        links = [
            f"{self.prefix}/{folder}: a link that points outside the prefix"
            for folder in astray(str(self.prefix), paths)
        ]
        if links:
            raise InTheWayError("A link in the environment would redirect a change outside it.", evidence=links[:10])

    def look_in_cache(self, before: Comparison, *, closely: bool) -> list[Record]:
        """What has to be fetched; the cache then holds the rest, and nothing doubtful.

        Args:
            before: How the prefix differs from the lock.
            closely: Look at every file of the entries; otherwise `fill` does.
        """
        started = time.monotonic()
        wanted = plan.to_install(before, self.records)
        self.cache.discard_unverified()
        good = self.cache.find if closely else self.cache.holds
        fetch = [record for record in wanted if not good(record)]
        for record in fetch:
            self.cache.discard(record.stem)
        remote = [r for r in fetch if not (self.source or r.url.startswith("file:"))]
        if self.offline and remote:
            names = [str(r) for r in remote[:10]]
            raise OfflineError(
                f"{len(remote)} packages are not in the cache.", evidence=[str(self.cache.root), *names]
            )
        need = self.source.room(fetch) if self.source else None
        require_space(fetch, [self.prefix, self.cache.root], need)
        self.timed("cache", started)
        return fetch

    def build(
        self, engine: engine_process.Engine, staging: Staging, before: Comparison, fetch: Sequence[Record]
    ) -> None:
        """Fills the stage, proves it, and puts it in place."""
        started = time.monotonic()
        stage = staging.begin(clone=not self.new)
        for bad in before.unreadable:
            # The engine refuses a prefix with such a record; without it, the package is missing.
            (stage / META_DIR / bad.meta.name).unlink()
        asked = requested(self.lock, self.records)
        adopt_records(stage / META_DIR)
        keep = plan.to_keep(before, self.records)
        install = plan.to_install(before, self.records)
        work = engine_process.job(
            self.records,
            asked=asked,
            fetch=fetch,
            stage=stage,
            prefix=self.prefix,
            cache=self.cache.pkgs,
            platform=PLATFORM,
            reinstall=plan.to_reinstall(before),
            closely=[r.name for r in self.records if r in fetch or not self.cache.holds(r)],
            kept={str(r): [file.path for file in r.files] for r in keep},
            places=self.places,
            downloads=self.source.downloads if self.source else 0,
            most_written=self.source.most_written(install) if self.source else 0,
        )
        proof = StageVerifier(stage, self.cache, asked)
        # Nothing out of a pack is run before all of it is proven.
        early = self.additions if self.new and not self.source else None
        with early.meanwhile(stage) if early else nullcontext(lambda _name: None) as linked:
            try:
                filled = fill(
                    engine,
                    work,
                    records=self.records,
                    install=install,
                    fetch=fetch,
                    cache=self.cache,
                    proof=proof,
                    progress=self.progress,
                    limits=self.limits,
                    linked=linked,
                )
            except BootstrapError as error:
                named = self.source.explained(error) if self.source else error
                if named is error:
                    raise
                raise named from error
            linked(None)
            self.linked = filled.linked
            self.fetched_bytes += filled.bytes_done
            self.timed("install", started)
            self.progress.step(Step("verifying"))
            started = time.monotonic()
            staging.finish(proof.finish(self.records))
            command = f"bootstrap restore --lock {self.lock.path.absolute()} --prefix {self.prefix}"
            add_revision(stage / META_DIR, self.records, proof.asked, command=command)
            facts = {"path": str(self.lock.path.absolute()), "sha256": self.lock.sha256, "platform": PLATFORM}
            state = proof.manifest(self.records, {**facts, "prefix": str(self.prefix)})
            if not self.new:
                gone = {file.path for record in plan.to_remove(before) for file in record.files}
                fresh = [r.stem for r in self.records if r.name in self.linked]
                new = {path for stem in fresh for path in state.files[stem]}
                foreign = remove_overlays(stage, fresh, state)
                sweep_bytecode(stage, gone.union(new, foreign), state)
            write_manifest(stage, state)
            if self.source:
                self.source.prove(state)
            self.timed("verify", started)
            if self.additions:
                started = time.monotonic()
                self.additions.add(stage)
                self.timed("prove", started)
        started = time.monotonic()
        aside = staging.switch({*state.owned, *(f"{META_DIR}/{name}" for name in (MANIFEST_FILE, "history"))})
        self.tell_aside(aside)
        register(self.prefix)
        staging.clean()
        self.timed("switch", started)

    def tell_aside(self, paths: Sequence[str]) -> None:
        if paths:
            names = ", ".join(paths[:10])
            self.progress.note(f"Written during the restore in place of package files, so moved to {ASIDE}: {names}.")

    def timed(self, part: str, started: float) -> None:
        profile.add(part, started)
        self.seconds[part] = round(self.seconds.get(part, 0.0) + time.monotonic() - started, 3)

    def result(self, before: Comparison, *, fetched: Sequence[Record]) -> Restored:
        return Restored(
            prefix=self.prefix,
            lock=self.lock.path,
            action="created" if self.new else plan.action(before),
            packages=len(self.records),
            installed=tuple(str(r) for r in self.records if r.name in self.linked),
            removed=tuple(str(r) for r in plan.to_remove(before)),
            fetched=len(fetched),
            fetched_bytes=self.fetched_bytes,
            seconds=self.seconds,
        )
