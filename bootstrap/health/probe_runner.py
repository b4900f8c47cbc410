"""Runs probes in another Python and survives whatever that Python does.

The other process crashes, hangs, exits, floods its output or eats the memory, if its numpy does: so answers
come over a pipe of their own, each probe has a time limit, and the memory it really holds is watched from
outside. A limit on address space would be simpler, but torch and CUDA reserve far more than they use.
"""

from __future__ import annotations

import contextlib
import json
import os
import selectors
import signal
import subprocess
import time
from dataclasses import asdict, dataclass, field
from pathlib import Path
from typing import TYPE_CHECKING, Any

from bootstrap import processes, profile
from bootstrap.children import tied
from bootstrap.health.model import ProbeOutcome, ProbeResult

if TYPE_CHECKING:
    from collections.abc import Mapping, Sequence

CHILD = Path(__file__).parent / "probes" / "_child_probes.py"
_TAIL = 16_384
_TICK_S = 0.02
_IDLE_S = 2.0
_PATIENCE = 20
"""How often over the time of a probe may run out on a machine that is busy with something else."""
_NOWHERE = "/nonexistent/bytecode"
"""Where bytecode is looked for when it is not to be found, and not made: that needs ``-B``."""
ENDED = ("died", "timeout", "memory")
"""Outcomes of a probe that ended its process."""
_DROPPED = ("MPLBACKEND", "COVERAGE_PROCESS_START", "COV_CORE_SOURCE")
"""A notebook's plotting backend needs the notebook; coverage hooks would be blamed on the environment."""


@dataclass(frozen=True)
class Task:
    """One probe to run: a registered one by its name, or the import of modules."""

    name: str
    modules: tuple[str, ...] = ()
    given: Mapping[str, Any] = field(default_factory=dict)
    """What a registered probe is told to look at, where it has to be told."""


@dataclass(frozen=True)
class Limits:
    """How much one probe may take."""

    seconds: float = 120.0
    """Time of one probe, the import of what it tests included: wall time where it waits for nothing of the machine's,
    else processor time. So a slow or busy machine makes no probe fail."""
    memory: int = 4 * 2**30
    """Resident memory of the process, in bytes."""

    @classmethod
    def for_machine(cls, seconds: float) -> Limits:
        """Limits that leave this machine a fifth of the memory that is free now."""
        try:
            text = Path("/proc/meminfo").read_text(encoding="ascii")
            free = next(int(line.split()[1]) for line in text.splitlines() if line.startswith("MemAvailable"))
        except (OSError, StopIteration, ValueError):
            return cls(seconds=seconds)
        return cls(seconds=seconds, memory=max(512 * 2**20, min(cls.memory, free * 1024 * 4 // 5)))


@dataclass
class _ProbeRun:
    """What is known of one child so far."""

    results: list[ProbeResult] = field(default_factory=list)
    ready: bool = False
    since: float = field(default_factory=time.monotonic)
    answers: bytes = b""
    output: bytes = b""
    errors: bytes = b""
    killed: ProbeOutcome | None = None
    spent: float = 0.0
    """Processor time in seconds, as last seen once it was past its time."""
    moved: float = 0.0
    """When that was seen to grow, or the process to wait for the machine."""


@dataclass(frozen=True)
class Start:
    """How the examined interpreter is started for its probes."""

    python: Path
    limits: Limits
    environment: Mapping[str, str] = field(default_factory=lambda: os.environ)
    """Variables of the process. ``LD_*`` variables stay, since the kernel has them as well."""
    paths: Sequence[str] = ()
    """Folders to append to ``sys.path``."""
    isolated: bool = True
    """Whether it gets ``-I``: no ``PYTHON*`` variables, no user site, no working folder on its path."""
    startup: bool = True
    """Whether site, and with it ``.pth`` files and sitecustomize, runs."""
    bytecode: bool = True
    """Whether cached bytecode is used; otherwise every module is compiled from its source."""
    keep_bytecode: bool = False
    """Whether modules compiled on the way are written to the environment, as any first import does; otherwise the
    environment is left untouched."""

    @property
    def command(self) -> list[str]:
        """The interpreter with its options."""
        return [
            str(self.python),
            *(["-I"] if self.isolated else []),
            *([] if self.keep_bytecode else ["-B"]),
            *([] if self.startup else ["-S"]),
            *([] if self.bytecode else ["-X", f"pycache_prefix={_NOWHERE}"]),
        ]


def run_tasks(start: Start, tasks: Sequence[Task]) -> list[ProbeResult]:
    """Run probes in one fresh process, until one of them ends it.

    Returns:
        One result for each task, in their order. The one that ended the process has the outcome ``died``, ``timeout``
        or ``memory``, those behind it ``skip``. Where the interpreter itself does not start, the first task has
        that outcome, and its fact ``started`` is False.
    """
    # Not by the module `secrets`: a notebook's folder often has a file of that name.
    token = f"{os.urandom(8).hex()}:"
    reader, writer = os.pipe()
    request = {"fd": writer, "token": token, "paths": list(start.paths), "probes": [asdict(t) for t in tasks]}
    run = _ProbeRun()
    try:
        process = subprocess.Popen(
            [*start.command, str(CHILD), json.dumps(request)],
            stdin=subprocess.DEVNULL,
            stdout=subprocess.PIPE,
            stderr=subprocess.PIPE,
            pass_fds=(writer,),
            cwd="/",
            env={name: value for name, value in start.environment.items() if name not in _DROPPED},
            start_new_session=True,
            preexec_fn=tied(),
        )
    except OSError as error:
        os.close(reader)
        return _complete(run, tasks, f"{start.python} can't be run: {error.strerror or error}")
    finally:
        os.close(writer)
    # Leaving the process closes its pipes and reaps it.
    with process, os.fdopen(reader, "rb", buffering=0):
        try:
            with profile.span(f"probe {tasks[0].name}" + (" ..." if tasks[1:] else ""), part=True):
                _watch(process, reader, run, token.encode(), start.limits)
        finally:
            # The group outlives its leader where a package has left children behind.
            with contextlib.suppress(ProcessLookupError, PermissionError):
                os.killpg(process.pid, signal.SIGKILL)
    return _complete(run, tasks, _ending(run, process.returncode, start.limits))


def _watch(process: subprocess.Popen[bytes], reader: int, run: _ProbeRun, token: bytes, limits: Limits) -> None:
    """Read until the child has ended or has to be ended; it is reaped by the caller."""
    assert process.stdout is not None and process.stderr is not None  # noqa: S101 - both are pipes
    with selectors.DefaultSelector() as selector:
        for descriptor in (reader, process.stdout.fileno(), process.stderr.fileno()):
            os.set_blocking(descriptor, False)
            selector.register(descriptor, selectors.EVENT_READ)
        last_rounds: int | None = None
        while True:
            events = selector.select(_TICK_S if last_rounds is None else 0)
            for key, _ in events:
                data = _read(key.fd)
                if data is None:
                    continue
                if not data:
                    selector.unregister(key.fd)
                elif key.fd == reader:
                    _take(run, data, token)
                elif key.fd == process.stdout.fileno():
                    run.output = (run.output + data)[-_TAIL:]
                else:
                    run.errors = (run.errors + data)[-_TAIL:]
            if last_rounds is not None:
                # Ended: what is left in the pipes is read, but no child of the child is waited for.
                last_rounds -= 1
                if not events or last_rounds == 0:
                    return
                continue
            # WNOWAIT leaves the process a zombie, so that its group's number can't be given to another.
            status = os.waitid(os.P_PID, process.pid, os.WEXITED | os.WNOHANG | os.WNOWAIT)
            if status is not None:
                last_rounds = 64
            elif time.monotonic() - run.since > limits.seconds and not _works(process.pid, run, limits):
                run.killed = "timeout"
                return
            elif int(processes.stat(process.pid, 21)) * os.sysconf("SC_PAGESIZE") > limits.memory:
                run.killed = "memory"
                return


def _works(pid: int, run: _ProbeRun, limits: Limits) -> bool:
    """Whether a process that is past its time is slow, not stuck: it gets on, and has not computed for so long."""
    now = time.monotonic()
    state = processes.stat(pid, 0)
    if state == "0":
        return False  # it is gone
    spent = (int(processes.stat(pid, 11)) + int(processes.stat(pid, 12))) / os.sysconf("SC_CLK_TCK")
    # Waiting for a processor or a disk is no fault of the process.
    if spent > run.spent or state in "RD":
        run.spent, run.moved = spent, now
    idle = now - run.moved > min(_IDLE_S, limits.seconds)
    return not idle and spent < limits.seconds and now - run.since < _PATIENCE * limits.seconds


def _read(descriptor: int) -> bytes | None:
    """What a non-blocking descriptor holds now, up to 1 MiB; None for nothing yet, empty at its end."""
    try:
        return os.read(descriptor, 2**20)
    except BlockingIOError:
        return None
    except OSError:
        return b""


def _take(run: _ProbeRun, data: bytes, token: bytes) -> None:
    """Read the child's answers; lines without the token are no answers."""
    *lines, run.answers = (run.answers + data).split(b"\n")
    for line in lines:
        if not line.startswith(token):
            continue
        try:
            message = json.loads(line[len(token) :])
        except ValueError:
            continue
        run.since, run.ready = time.monotonic(), True
        if message:
            run.results.append(ProbeResult(**{**message, "problems": tuple(message["problems"])}))


def _ending(run: _ProbeRun, status: int | None, limits: Limits) -> str:
    """How the child ended, in words."""
    if run.killed == "timeout":
        return f"no answer within {limits.seconds:g} s"
    if run.killed == "memory":
        return f"the process took more than {limits.memory / 2**20:.0f} MiB of memory"
    if status is not None and status < 0:
        return f"the process was ended by {signal.Signals(-status).name}"
    return f"the process ended by itself with status {status}, before its answer"


def _complete(run: _ProbeRun, tasks: Sequence[Task], ending: str) -> list[ProbeResult]:
    """Results for all tasks: those that came, the one that ended the process, and those never run."""
    results = list(run.results)
    rest = tasks[len(results) :]
    if not rest:
        return results
    text = (run.errors or run.output).decode(errors="replace").strip().splitlines()
    # faulthandler puts the innermost frame first, a traceback puts it last.
    fatal = next((i for i, line in enumerate(text) if line.startswith("Fatal Python error")), None)
    told = text[-4:] if fatal is None else [line for line in text[fatal:] if "<frozen" not in line][:5]
    problems = (ending, *(line.strip() for line in told if line.strip() and not line.startswith("Stack (")))
    outcome: ProbeOutcome = run.killed or "died"
    results.append(
        ProbeResult(
            name=rest[0].name,
            outcome=outcome,
            seconds=time.monotonic() - run.since,
            problems=problems,
            facts={"started": run.ready, "traceback": text},
        )
    )
    results.extend(ProbeResult(name=task.name, outcome="skip") for task in rest[1:])
    return results


def run_surviving(start: Start, tasks: Sequence[Task]) -> list[ProbeResult]:
    """Run probes as `run_tasks` does, and go on behind one that ended the process, once, in a new one.

    Where the first one ends the process, the others are skipped. So are those behind a second end: each may cost the
    whole time limit.
    """
    results = run_tasks(start, tasks)
    lost = next((i for i, r in enumerate(results) if r.outcome in ENDED), None)
    rest = tasks[lost + 1 :] if lost else ()
    return [*results[: lost + 1], *run_tasks(start, rest)] if lost is not None and rest else results
