"""Making packages, two at a time, in a process of their own.

The pool's processes import the program's main module anew. A caller's script without a main guard would build
the channel again in each of them and wait for itself for ever; a process begun with ``-c`` has no such module.
"""

from __future__ import annotations

import json
import multiprocessing
import os
import pickle
import shutil
import subprocess
import sys
from concurrent.futures import ProcessPoolExecutor, as_completed
from dataclasses import dataclass
from pathlib import Path
from typing import TYPE_CHECKING, Any

from tests.support import ROOT

from .interpreter import build_python
from .standins import build_standin
from .target import ChannelError, Target
from .wheel import convert

if TYPE_CHECKING:
    from collections.abc import Iterator, Sequence

_WORKERS = 2


@dataclass(frozen=True)
class Job:
    """One package to be.

    Attributes:
        kind: ``wheel``, ``python`` or ``standin``.
        key: The name of the folder that it's kept in.
        index: Its ``info/index.json``.
        wheel: What a ``wheel`` job converts.
        weight: Bytes, roughly; the heaviest are made first.
    """

    kind: str
    key: str
    index: dict[str, Any]
    wheel: Path | None
    weight: int


def make_all(jobs: Sequence[Job], target: Target, folder: Path, *, lock: int) -> Iterator[tuple[Job, dict[str, Any]]]:
    """Make packages in ``folder/KEY``, each beside its ``record.json``.

    Args:
        jobs: What to make.
        target: The interpreter that it's made for.
        folder: Where packages are kept.
        lock: Descriptor of the lock, handed on so that it's held for as long as anything is at work here, even
            when the caller was killed.

    Yields:
        Each job with its record, as it's done.

    Raises:
        ChannelError: One of them can't be made.
    """
    environment = {**os.environ, "PYTHONPATH": os.pathsep.join([str(ROOT), os.environ.get("PYTHONPATH", "")])}
    by_key = {job.key: job for job in jobs}
    with subprocess.Popen(
        [sys.executable, "-c", f"import sys; from {__name__} import main; sys.exit(main())"],
        stdin=subprocess.PIPE, stdout=subprocess.PIPE, env=environment, pass_fds=[lock],
    ) as process:  # fmt: skip
        if process.stdin is None or process.stdout is None:
            raise RuntimeError("no pipes")
        with process.stdin as stream:
            pickle.dump((list(jobs), target, folder), stream)
        for line in process.stdout:
            answer = json.loads(line)
            if "error" in answer:
                raise ChannelError(answer["error"])
            yield by_key.pop(answer["key"]), answer["record"]
    if by_key:
        raise ChannelError(f"{len(by_key)} packages were not made: the process that makes them ended.")


def make(job: Job, target: Target, folder: Path) -> dict[str, Any]:
    """Make one package, in a folder that gets its name once everything is in it."""
    part = folder / f".{job.key}.part"
    part.mkdir()
    if job.kind == "wheel":
        if job.wheel is None:
            raise ValueError(f"no wheel for {job.index['name']}")
        record = convert(job.wheel, part, job.index, target)
    elif job.kind == "python":
        record = build_python(part, target)
    else:
        record = build_standin(part, job.index)
    (part / "record.json").write_text(json.dumps(record), encoding="utf-8")
    shutil.rmtree(folder / job.key, ignore_errors=True)
    part.rename(folder / job.key)
    return record


def main() -> int:
    """Take the jobs from standard input, answer with a line of JSON for each."""
    jobs, target, folder = pickle.load(sys.stdin.buffer)
    context = multiprocessing.get_context("spawn")
    ordered = sorted(jobs, key=lambda job: -job.weight)
    with ProcessPoolExecutor(min(_WORKERS, len(ordered)), mp_context=context) as pool:
        running = {pool.submit(make, job, target, folder): job for job in ordered}
        try:
            for future in as_completed(running):
                answer = {"key": running[future].key, "record": future.result()}
                print(json.dumps(answer), flush=True)
        except BrokenPipeError:
            pool.shutdown(cancel_futures=True)
            # Nobody is left to answer, and nobody shall see a second error at the interpreter's end.
            os._exit(1)
        except Exception as error:
            pool.shutdown(cancel_futures=True)
            text = str(error) if isinstance(error, ChannelError) else f"{type(error).__name__}: {error}"
            print(json.dumps({"error": f"{running[future].index['name']}: {text}"}), flush=True)
            return 1
    return 0
