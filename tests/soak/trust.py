"""``python -m tests.soak.trust``: what docs/security.md promises, tried many times; writes the table of that page.

Kills and refused steps strike at writing steps: a process is forked, and an audit hook in it strikes before the n-th.
After each, what lies there is looked at, the same is done again without it, and looked at once more.
"""

from __future__ import annotations

import argparse
import contextlib
import errno
import io
import itertools
import json
import multiprocessing
import os
import random
import shutil
import signal
import sys
import tempfile
import time
import traceback
from collections.abc import Callable, Iterator
from concurrent.futures import ProcessPoolExecutor
from dataclasses import dataclass, field
from pathlib import Path
from typing import Any

from bootstrap import guard
from bootstrap.errors import BootstrapError, EngineError, SystemRefusedError
from bootstrap.lock import PLATFORM, read_lock, validate
from bootstrap.lock.reader import parse_lock
from bootstrap.prefix import tmpfs
from bootstrap.prefix.compare import compare_prefix
from bootstrap.prefix.manifest import read_manifest
from bootstrap.prefix.records import read_records
from bootstrap.prefix.transaction import restore
from bootstrap.progress import NullProgress
from bootstrap.runtime import journal, launchers, provision
from bootstrap.runtime.environment_paths import EnvironmentPaths
from bootstrap.runtime.hosting import Hosting
from bootstrap.runtime.journal import STATE_VARIABLE, Journal
from bootstrap.runtime.machine import Machine, Variant
from bootstrap.runtime.undo import undo
from tests.component.prefix.test_restore_hostile import FORMATS, entry, file, link, soft
from tests.support import ROOT, locks, project
from tests.support.channel.tiny import TinyChannel
from tests.support.kill import at_step
from tests.support.misbehaving import BEHAVIOURS, misbehaving
from tests.support.tiny_site import fill, snapshot

PAGE = ROOT / "docs" / "security.md"
BEGIN, END = "<!-- tried: written by `make soak` -->", "<!-- end of tried -->"
ERRNOS = (errno.ENOSPC, errno.EDQUOT, errno.EROFS, errno.EACCES, errno.EIO, errno.EMFILE)
_FULL = (errno.ENOSPC, errno.EDQUOT)
_NEED_ROOM = ("open", "os.mkdir", "os.link", "os.symlink", "os.rename")
_NO_CALLS = ("shutil.", "fcntl.")
"""Audit events that are no call of the system's."""
_TIMED = ("conda-meta/condacolab-bootstrap", "conda-meta/condacolab-bootstrap-guard", "conda-meta/history")
"""Files with times or inodes in them."""


@dataclass
class Row:
    """A line of the table."""

    what: str
    tried: int = 0
    survived: int = 0
    complaints: list[str] = field(default_factory=list)

    def take(self, complaints: list[str], label: str) -> None:
        self.tried += 1
        self.survived += not complaints
        self.complaints += [f"{self.what}, {label}: {text}" for text in complaints]


class World:
    """A folder with everything that one command may touch, put back to its beginning for each trial."""

    def __init__(self, root: Path) -> None:
        self.root = root
        self.kept = root.with_name(f"{root.name}.kept")
        self.channel = root.with_name(f"{root.name}.channel")
        for name in ("tmp", "shm", "home", "mine", "machine/bin"):
            (root / name).mkdir(parents=True)
        (root / "mine/precious.txt").write_text("precious")
        for name in (".env.old-1", ".env.stage-1"):
            (root / name).mkdir()
            (root / name / "precious.txt").write_text("the user's, by a name like ours")
        os.environ.update(
            {
                "TMPDIR": str(root / "tmp"),
                "HOME": str(root / "home"),
                "JUPYTER_DATA_DIR": str(root / "home/jupyter"),
                "BOOTSTRAP_CACHE": str(self.cache),
                STATE_VARIABLE: str(root / "state"),
            }
        )
        tempfile.tempdir = None
        tmpfs.MEMORY = root / "shm"
        journal._SECONDS_TO_COMPILE = 0.0

    @property
    def env(self) -> Path:
        return self.root / "env"

    @property
    def cache(self) -> Path:
        return self.root / "cache"

    def keep(self) -> None:
        shutil.copytree(self.root, self.kept, symlinks=True)

    def put_back(self) -> None:
        shutil.rmtree(self.root)
        shutil.copytree(self.kept, self.root, symlinks=True)

    def environment(self) -> dict[str, str]:
        return {path: what for path, what in snapshot(self.env).items() if path not in _TIMED}

    def surroundings(self) -> dict[str, str]:
        """All but the environment, the cache, the state folder, and where conda lists environments."""
        apart = ("env/", "cache/", "state/", "home/.conda/")
        return {path: what for path, what in snapshot(self.root).items() if not f"{path}/".startswith(apart)}


@dataclass
class Scenario:
    """A command in a world."""

    world: World
    act: Callable[[], object]
    again: Callable[[], object]
    """What puts right whatever a fault left."""
    whole: Callable[[], bool] = lambda: True
    """Whether what lies there right after a fault is the old or the new."""
    done: dict[str, dict[str, str]] = field(default_factory=dict)

    def look(self) -> dict[str, dict[str, str]]:
        return {
            "environment": self.world.environment(),
            "state folder": snapshot(self.world.root / "state"),
            "surroundings": self.world.surroundings(),
        }

    def learn(self) -> int:
        """Does it once, undisturbed; returns how many writing steps it has."""
        self.world.keep()
        counter = multiprocessing.Value("i", 0)

        def count(_: str) -> None:
            counter.value += 1

        if said := _forked(self.act, 1, count):
            raise AssertionError(said)
        self.again()
        self.done = self.look()
        return int(counter.value)

    def try_out(self, step: int, strike: Callable[[str], None]) -> list[str]:
        self.world.put_back()
        complaints = [said] if (said := _forked(self.act, step, strike)) else []
        try:
            if not self.whole():
                complaints.append("neither old nor new")
            self.again()
        except Exception as error:
            return [*complaints, f"again: {type(error).__name__}: {error} {getattr(error, 'evidence', '')}"]
        found = self.look()
        for part, wanted in self.done.items():
            differs = {k for k in {*wanted, *found[part]} if wanted.get(k) != found[part].get(k)}
            if differs:
                complaints.append(f"{part} differs afterwards: {sorted(differs)[:5]}")
        return complaints


def _forked(act: Callable[[], object], step: int, strike: Callable[[str], None]) -> str:
    """Does something in a process of its own, struck from a step on; what it said, where that is no named error."""
    reader, writer = os.pipe()
    if pid := os.fork():
        os.close(writer)
        with os.fdopen(reader) as file:
            said = file.read()
        os.waitpid(pid, 0)
        return said
    os.close(reader)
    try:
        os.dup2(os.open(os.devnull, os.O_WRONLY), 2)
        signal.signal(signal.SIGTERM, _interrupt)
        at_step(step, strike)
        act()
    except EngineError as error:
        os.write(writer, f"{error} {error.evidence}".encode())
    except (BootstrapError, KeyboardInterrupt):
        pass
    except BaseException:
        os.write(writer, traceback.format_exc()[-900:].encode())
    os._exit(0)


def _interrupt(*_: object) -> None:
    raise KeyboardInterrupt


# Scenarios


def restoring(root: Path, how: str) -> Scenario:
    """A first restore, an update, or one that repairs."""
    world = World(root)
    channel = fill(TinyChannel(world.channel))
    less, full = (
        read_lock(channel.write_lock(world.channel / f"{name}.yml", packages=packages))
        for name, packages in (("less", ["python", "numpy", "tool"]), ("full", None))
    )
    if how != "restore":
        restore(less if how == "update" else full, world.env, cache=world.cache)
    if how == "repair":
        (world.env / "lib/python3.13/site-packages/numpy/__init__.py").unlink()
        os.truncate(world.env / "share/weights/data.bin", 1000)
    before = world.environment()

    def again() -> None:
        restore(full, world.env, cache=world.cache)

    scenario = Scenario(world, again, again)

    def whole() -> bool:
        # New, and it says that the second look at the old one is still to come.
        now = {
            path: what for path, what in world.environment().items() if path != "conda-meta/condacolab-bootstrap-look"
        }
        return now in (before, scenario.done["environment"])

    scenario.whole = whole
    return scenario


def guarding(root: Path, how: str) -> Scenario:
    """`guard on`, or `guard off`; afterwards off, with the user's pins."""
    world = World(root)
    channel = fill(TinyChannel(world.channel))
    restore(read_lock(channel.write_lock(world.channel / "lock.yml")), world.env, cache=world.cache)
    (world.env / "conda-meta/pinned").write_text("numpy <2\nfoo 1.*\n")
    (world.env / "pip.conf").write_text("[global]\ntimeout = 60\n")
    (world.env / "pip.conf").chmod(0o600)
    if how == "off":
        guard.on(world.env)
    act = {"on": guard.on, "off": guard.off}[how]

    def again() -> None:
        guard.off(world.env)
        pinned = world.env / "conda-meta/pinned"
        # In whichever order: what was taken out comes back at the end.
        pinned.write_text("".join(sorted(pinned.read_text().splitlines(keepends=True))))

    return Scenario(world, lambda: act(world.env), again)


def _machine() -> Machine:
    return Machine("none", "3.13.1", "2.36", 8 * 10**9, Variant("cpu", "asked for"))


def running(root: Path, how: str) -> Scenario:
    """`run` outside Colab, and then `undo`; the proof of the kernel, which needs a real Python, is left out."""
    world = World(root)
    channel = fill(TinyChannel(world.channel))
    lock = read_lock(channel.write_lock(world.channel / "lock.yml"))
    provision.require_kernel = lambda *_, **__: None  # type: ignore[assignment]
    Hosting.prove = lambda *_, **__: None  # type: ignore[method-assign]
    python = world.root / "machine/bin/python3"
    python.write_text("#!/bin/sh\necho the machine's own\n")
    python.chmod(0o755)

    def run() -> None:
        provision.set_up(lock, world.env, _machine(), progress=NullProgress())
        try:
            launchers.install(python, EnvironmentPaths(world.env), Journal())
        except OSError as error:  # as `set_up` does it
            raise SystemRefusedError("", evidence=[str(error)]) from error

    if how == "undo":
        run()
        return Scenario(world, undo, undo)

    def again() -> None:
        run()
        if not compare_prefix(world.env, validate(lock, PLATFORM), hash_all=False).agrees:
            raise AssertionError("not as locked")
        undo()

    return Scenario(world, run, again)


def locking(root: Path, _how: str) -> Scenario:
    """`lock`, with what conda-lock answers made once."""
    world = World(root)

    class Nothing:
        def readouterr(self) -> tuple[str, str]:
            return "", ""

    made = project.make_project(world.root / "mine", Nothing())

    def act() -> None:
        with contextlib.redirect_stdout(io.StringIO()):
            error = made.relock(*project.CPU).error
        if error:
            raise error

    return Scenario(world, act, act)


SCENARIOS: dict[str, tuple[Callable[[Path, str], Scenario], str]] = {
    "guard on": (guarding, "on"),
    "guard off": (guarding, "off"),
    "undo": (running, "undo"),
    "restore": (restoring, "restore"),
    "update": (restoring, "update"),
    "repair": (restoring, "repair"),
    "run": (running, "run"),
    "lock": (locking, ""),
}


def strikes(name: str, kind: str, share: float, deadline: float) -> Row:
    """Kills a scenario, or has its steps refused, at a share of all its writing steps."""
    row = Row(f"{kind}: `{name}`")
    make, how = SCENARIOS[name]
    with tempfile.TemporaryDirectory(prefix="soak-") as folder:
        scenario = make(Path(folder) / "world", how)
        steps = scenario.learn()
        ways: list[Any] = [signal.SIGKILL, signal.SIGTERM] if kind == "kills" else list(ERRNOS)
        trials = [(step, way) for step in range(1, steps + 1) for way in ways]
        if kind != "kills":
            trials = [(step, ways[step % len(ways)]) for step in range(1, steps + 1)]
        random.Random(name).shuffle(trials)
        for step, way in trials[: max(1, int(len(trials) * share))]:
            if row.tried and time.monotonic() > deadline:
                break
            strike = _kill(way) if kind == "kills" else _refuse(way)
            label = way.name if kind == "kills" else errno.errorcode[way]
            row.take(scenario.try_out(step, strike), f"step {step} of {steps}, {label}")
    return row


def _kill(how: signal.Signals) -> Callable[[str], None]:
    struck: list[str] = []

    def strike(event: str) -> None:
        if not struck:
            struck.append(event)
            os.kill(os.getpid(), how)

    return strike


def _refuse(number: int) -> Callable[[str], None]:
    """A full or read-only disk stays so; other faults strike once."""
    struck: list[str] = []

    def strike(event: str) -> None:
        if event.startswith(_NO_CALLS) or (number in _FULL and not event.startswith(_NEED_ROOM)):
            return
        if not struck or number in (*_FULL, errno.EROFS):
            struck.append(event)
            raise OSError(number, os.strerror(number))

    return strike


def failings(world: World, lock: Path, before: object, **limits: float) -> list[str]:
    """What is wrong with how a restore ended, whether or not it was done."""
    try:
        restore(read_lock(lock), world.env, cache=world.cache, **limits)
    except BootstrapError as error:
        found = [f"{error} {error.evidence}"] if isinstance(error, EngineError) else []
        return found if world.environment() == before else [*found, "the environment was changed"]
    except Exception as error:
        return [f"{type(error).__name__}: {error}"]
    return []


def network(how: str, share: float, deadline: float) -> Row:
    """Restores from servers that misbehave, a new environment or into one that is there."""
    row = Row(f"network faults: `{how}`")
    trials = list(BEHAVIOURS)
    random.Random(how).shuffle(trials)
    with tempfile.TemporaryDirectory(prefix="soak-") as folder:
        world = World(Path(folder) / "world")
        channel = fill(TinyChannel(world.channel))
        less = channel.write_lock(world.channel / "less.yml", packages=["python", "numpy", "tool"])
        sound = read_lock(channel.write_lock(world.channel / "sound.yml"))
        world.keep()
        around = world.surroundings()
        for name in trials[: max(1, int(len(trials) * share))]:
            if row.tried and time.monotonic() > deadline:
                break
            world.put_back()
            if how == "update":
                restore(read_lock(less), world.env, cache=world.cache)
            before = world.environment()
            with misbehaving(world.channel, name) as server:
                path = channel.write_lock(world.channel / "served.yml", channel_url=server.url)
                begun = time.monotonic()
                complaints = failings(world, path, before, stall_seconds=4.0, retry_budget=2.0)
                if time.monotonic() - begun > 90:
                    complaints.append(f"took {time.monotonic() - begun:.0f} s")
            restore(sound, world.env, cache=world.cache)
            if not compare_prefix(world.env, validate(sound, PLATFORM)).agrees:
                complaints.append("not as locked afterwards")
            if world.surroundings() != around:
                complaints.append(f"changed: {sorted({*world.surroundings().items()} ^ {*around.items()})[:5]}")
            row.take(complaints, f"{name}, {how}")
    return row


def inputs(count: int, deadline: float) -> Row:
    """Mutated locks, conda-meta records, ledgers, journals and guard's files: each is read, or refused by name."""
    row = Row("mutated inputs: lock, conda-meta, manifest, journal, guard")
    chance = random.Random(1)
    lock = json.dumps(locks.sound_lock(), indent=1).encode()
    record = json.dumps(
        {"name": "a", "version": "1", "build": "0", "paths_data": {"paths": [{"_path": "lib/x", "sha256": "0"}]}}
    ).encode()
    manifest = json.dumps({"schema": 2, "lock": {}, "records": {"a-1-0": "0"}, "files": {"a-1-0": {"x": "1 2 3"}}})
    diary = json.dumps({"schema": 1, "images": [{"path": "/x", "kind": "absent"}], "facts": {"prefix": "/x"}})
    with tempfile.TemporaryDirectory(prefix="soak-") as folder:
        root = Path(folder)
        meta = root / "conda-meta"
        meta.mkdir()
        (meta / "history").touch()

        def write_and(path: Path, use: Callable[[], object]) -> Callable[[bytes], object]:
            def act(text: bytes) -> None:
                path.write_bytes(text)
                use()

            return act

        readers: list[tuple[bytes, Callable[[bytes], object]]] = [
            (lock, lambda text: validate(parse_lock(text, root / "lock.yml"), PLATFORM)),
            (record, write_and(meta / "a-1-0.json", lambda: read_records(root))),
            (manifest.encode(), write_and(meta / "condacolab-bootstrap", lambda: read_manifest(root))),
            (diary.encode(), write_and(root / "journal.json", lambda: Journal(root))),
            (b'{"schema": 1, "state": "on", "held": 1}', write_and(meta / _GUARD, lambda: guard.status(root))),
        ]
        for number in range(count):
            if row.tried and time.monotonic() > deadline:
                break
            text, act = readers[number % len(readers)]
            mutated = mutate(text, chance)
            complaints = []
            try:
                act(mutated)
            except BootstrapError:
                pass
            except BaseException as error:
                complaints.append(f"{type(error).__name__}: {error} for {mutated[:200]!r}")
            row.take(complaints, f"reader {number % len(readers)}")
    return row


_GUARD = "condacolab-bootstrap-guard"
_WORDS = (
    b"null",
    b"[",
    b"{}",
    b"1e999",
    b'"',
    b"\\ud800",
    b"\x00",
    b"-1",
    b"9" * 5000,
    b"\xff",
    b"&a *a",
    b"true",
    b"[]",
)


def mutate(text: bytes, chance: random.Random) -> bytes:
    """The text with a few bytes flipped, cut, doubled, or replaced by what readers stumble over."""
    data = bytearray(text)
    for _ in range(chance.randint(1, 4)):
        at = chance.randrange(len(data) + 1)
        end = min(len(data), at + chance.choice((1, 1, 2, 8, 40)))
        how = chance.randrange(5)
        if how == 0:
            data[at:end] = chance.randbytes(end - at)
        elif how == 1:
            del data[at:end]
        elif how == 2:
            data[at:at] = data[at:end]
        elif how == 3:
            data[at:end] = chance.choice(_WORDS)
        else:
            # A value of JSON's, whole.
            colon = data.find(b": ", at)
            if colon >= 0:
                stop = min(x for x in (data.find(b",", colon), data.find(b"}", colon), len(data)) if x >= 0)
                data[colon + 2 : stop] = chance.choice(_WORDS)
    return bytes(data)


_ASTRAY = (
    *("..", ".", "", "/", "../x", "../../x", "share/../../x", "share/../x", "../env/x", "../mine/precious.txt"),
    *("{mine}/precious.txt", "{mine}", "//x", "share//x", "./x", "share/./x", "share/", "x\n", "x\x1b[2J", "~/x"),
    *("conda-meta", "conda-meta/x.json", "conda-meta/history", "conda-meta/pinned", "conda-meta/state"),
    *("conda-meta/condacolab-bootstrap", "conda-meta/condacolab-bootstrap-guard", "conda-meta/../conda-meta/x"),
    *("linked/precious.txt", "linked", "lib/python3.13/site-packages/../../../../x", "bin/../../x", "a" * 300),
)
"""Paths that lead out of a prefix, into what is ours, or nowhere; ``linked`` is a link of the same package."""


def archives(share: float, deadline: float) -> Row:
    """Packages whose paths are astray: in their list, their tar, or both; in both formats, new and to update."""
    row = Row("hostile archives: `restore`, `update`")
    trials = list(itertools.product(_ASTRAY, ("list", "tar", "both"), FORMATS, (True, False)))
    random.Random(0).shuffle(trials)
    with tempfile.TemporaryDirectory(prefix="soak-") as folder:
        world = World(Path(folder) / "world")
        channel = fill(TinyChannel(world.channel))
        sound = read_lock(channel.write_lock(world.channel / "sound.yml"))
        restore(sound, world.env, cache=world.cache)
        world.keep()
        around = world.surroundings()
        for number, (path, how, suffix, new) in enumerate(trials[: max(1, int(len(trials) * share))]):
            if row.tried and time.monotonic() > deadline:
                break
            world.put_back()
            if new:
                shutil.rmtree(world.env)
            before = world.environment()
            where = path.format(mine=world.root / "mine")
            members = [link("linked", str(world.root / "mine"))]
            members += [file(where if how != "list" else "share/x")]
            listed = [soft("linked"), entry(where if how != "tar" else "share/x")]
            name = f"pkg{number}"
            channel.add_raw(name, members, listed, suffix)
            lock = channel.write_lock(world.channel / "hostile.yml", packages=["python", "numpy", name])
            complaints = failings(world, lock, before)
            # What is gone from the lock is removed, by records that this package may have had its hand in.
            try:
                restore(sound, world.env, cache=world.cache)
            except BootstrapError as error:
                complaints.append(f"afterwards: {type(error).__name__}: {error} {error.evidence}")
            else:
                if not compare_prefix(world.env, validate(sound, PLATFORM)).agrees:
                    complaints.append("not as locked afterwards")
            if world.surroundings() != around:
                complaints.append(f"changed: {sorted({*world.surroundings().items()} ^ {*around.items()})[:5]}")
            row.take(complaints, f"{path[:40]!r} in its {how}, {suffix}, {'new' if new else 'update'}")
    return row


Job = tuple[Callable[..., Row], tuple[Any, ...], float]
"""What to call with what, and which part of the time it may take, beside others."""
_WEIGHTS = {"guard on": 0.4, "guard off": 0.4, "undo": 0.8, "lock": 0.6}


def _jobs(share: float, many: int) -> Iterator[Job]:
    yield inputs, (many,), 0.5
    yield network, ("restore", share), 2.0
    yield network, ("update", share), 2.0
    yield archives, (share,), 2.0
    for name in SCENARIOS:
        yield strikes, (name, "kills", share), _WEIGHTS.get(name, 1.6)
        if name != "lock":
            yield strikes, (name, "refused steps", share), _WEIGHTS.get(name, 0.9)


def _call(function: Callable[..., Row], arguments: tuple[Any, ...], seconds: float) -> Row:
    try:
        return function(*arguments, time.monotonic() + seconds)
    except Exception:
        return Row(f"{function.__name__} {arguments[0]}", 1, 0, [traceback.format_exc()])


def soak(*, share: float, many: int, minutes: float, workers: int = 3) -> list[Row]:
    """Tries everything.

    Args:
        share: Of the writing steps, behaviours and paths, 0 to 1.
        many: Mutated inputs.
        minutes: After which nothing new is begun.
        workers: Processes.
    """
    functions, arguments, weights = zip(*_jobs(share, many), strict=True)
    seconds = [60 * minutes * workers * weight / sum(weights) for weight in weights]
    # Each job has a process of its own: what it sets for itself ends with it.
    with ProcessPoolExecutor(workers, multiprocessing.get_context("spawn"), max_tasks_per_child=1) as pool:
        rows = []
        for row in pool.map(_call, functions, arguments, seconds):
            rows.append(row)
            lines = [f"{row.what}: {row.survived} of {row.tried}", *row.complaints]
            print(*lines, sep="\n  ", file=sys.stderr, flush=True)
        return rows


def table(rows: list[Row]) -> str:
    """The rows, and their sums by kind, in Markdown."""
    sums: dict[str, Row] = {}
    for row in rows:
        kind = row.what.partition(":")[0]
        total = sums.setdefault(kind, Row(f"**all {kind}**"))
        total.tried += row.tried
        total.survived += row.survived
    several = [total for kind, total in sums.items() if sum(r.what.startswith(f"{kind}:") for r in rows) > 1]
    lines = ["| what | tried | survived | failed |", "|---|--:|--:|--:|"]
    lines += [f"| {r.what} | {r.tried:,} | {r.survived:,} | {r.tried - r.survived:,} |" for r in [*rows, *several]]
    return "\n".join(lines) + "\n"


def main() -> int:
    """Prints the table, and writes it into the page."""
    parser = argparse.ArgumentParser(prog="python -m tests.soak.trust")
    parser.add_argument("--minutes", type=float, default=28.0)
    parser.add_argument("--share", type=float, default=1.0, help="of all steps, 0 to 1")
    parser.add_argument("--inputs", type=int, default=50_000)
    parser.add_argument("--workers", type=int, default=3, help="one more than cores: network faults wait")
    parser.add_argument("--write", action="store_true", help=f"into {PAGE.name}")
    args = parser.parse_args()
    rows = soak(share=args.share, many=args.inputs, minutes=args.minutes, workers=args.workers)
    print(table(rows))
    if args.write:
        text = PAGE.read_text(encoding="utf-8")
        head, _, rest = text.partition(BEGIN)
        of = f"At most {args.share:.0%} of the writing steps, behaviours and paths, in {args.minutes:.0f} minutes.\n"
        text = f"{head}{BEGIN}\n\n{of}\n{table(rows)}\n{END}{rest.partition(END)[2]}"
        PAGE.write_text(text, encoding="utf-8")
    return int(any(row.complaints for row in rows))


if __name__ == "__main__":
    sys.exit(main())
