"""``python -m benchmarks.restore``: restoring measured beside other installers and beside the floor.

Every contender installs the same payload, in every round, in an order that rotates, each on a file system made
for it. What is printed and written are medians, their ratio to the floor, and whether the goals are met.
"""

from __future__ import annotations

import argparse
import json
import shutil
import signal
import subprocess
import sys
import tempfile
from datetime import datetime, timezone
from pathlib import Path
from typing import TYPE_CHECKING, Any

from rich.console import Console

from benchmarks import report
from benchmarks.contenders import CONTENDERS, FLOOR, Contender, Scenario, environment, fill
from benchmarks.copies import multiplied
from benchmarks.local import ROOT, local_source, lock_of
from benchmarks.measure import CommandFailedError, measure, usage
from benchmarks.media import MEDIA, Media, open_media, settle
from benchmarks.packs import make_packs
from benchmarks.payload import Payload, PayloadError, prepare
from benchmarks.serve import serving
from benchmarks.stats import MEGABYTE, Sample, judge, schedule, summarise

if TYPE_CHECKING:
    from collections.abc import Callable, Iterable, Mapping, Sequence

    from benchmarks.stats import Goal, Summary

RESULTS = ROOT / "benchmarks" / "results"


def run_contender(
    contender: Contender, *, medium: str, number: int, media: Media, payload: Payload, words: Mapping[str, str]
) -> list[Sample]:
    """One contender's round: its scenarios after one another in one fresh place.

    Raises:
        CommandFailedError: A command fails, or has not installed everything.
    """
    samples: list[Sample] = []
    env = environment(contender.env)
    archives = [str(path) for path in payload.archives]
    with media.fresh(medium) as work:
        for scenario in contender.scenarios:
            here = {**words, "work": str(work)}
            if scenario.prepare:
                usage(fill(scenario.prepare, here), env=env)
            if samples or scenario.prepare:
                settle()
            cost = measure(fill(scenario.command, here, archives), work, env=env)
            require_complete(contender, scenario, work, payload)
            samples.append(Sample(number, medium, contender.name, scenario.name, cost))
    return samples


def require_complete(contender: Contender, scenario: Scenario, work: Path, payload: Payload) -> None:
    """Raise unless there is one path for each archive or wheel."""
    wanted = len(payload.wheels if contender.installs == "wheels" else payload.archives)
    found = sum(1 for _ in work.glob(scenario.counts))
    if found != wanted:
        raise CommandFailedError(
            f"{contender.name} {scenario.name}: {found} of {wanted} {contender.installs} installed"
        )


def parse(argv: list[str] | None = None) -> argparse.Namespace:
    """The command line."""
    parser = argparse.ArgumentParser(prog="python -m benchmarks.restore", description=__doc__)
    names = [contender.name for contender in CONTENDERS]
    parser.add_argument("--lock", type=Path, help="a lock of the channel's packages (default: solved anew)")
    parser.add_argument("--channel", type=Path, help="the channel's folder (default: the tests' local channel)")
    parser.add_argument("--wheels", type=Path, help="the wheels that it was built from")
    parser.add_argument("--platform", default="linux-64", help="default: %(default)s")
    parser.add_argument("--python", default=sys.executable, help="the interpreter that the wheels are for")
    parser.add_argument("--rounds", type=int, default=5, help="default: %(default)s")
    parser.add_argument("--media", type=_among(MEDIA), default=list(MEDIA), help="default: disk,tmpfs")
    parser.add_argument("--only", type=_among(names), default=names, help=f"some of {','.join(names)}")
    parser.add_argument(
        "--work", type=Path, default=Path(tempfile.gettempdir()), help="a folder on the disk to measure"
    )
    parser.add_argument("--room", type=int, default=12, help="gigabytes for one contender (default: %(default)s)")
    parser.add_argument("--times", type=int, default=1, help="how often to have each package (default: %(default)s)")
    parser.add_argument("--latency", type=float, default=0.0, help="milliseconds before each answer of the server")
    parser.add_argument("--rate", type=float, default=0.0, help="megabytes a second that the server sends at most")
    parser.add_argument("--json", type=Path, help="the result's file (default: one in benchmarks/results/)")
    return parser.parse_args(argv)


def _among(known: Sequence[str]) -> Callable[[str], list[str]]:
    def choice(text: str) -> list[str]:
        chosen = text.split(",")
        if unknown := sorted(set(chosen) - set(known)):
            raise argparse.ArgumentTypeError(f"not among {', '.join(known)}: {', '.join(unknown)}")
        return chosen

    return choice


def measure_all(
    arguments: argparse.Namespace, contenders: Sequence[Contender], console: Console
) -> tuple[list[Sample], dict[str, Any], dict[str, str]]:
    """Every run, the facts about them, and why a contender was left out.

    Raises:
        PayloadError: The lock, the channel and the wheels don't belong together.
    """
    samples: list[Sample] = []
    failures: dict[str, str] = {}
    with (
        open_media(arguments.work, gigabytes=arguments.room) as media,
        tempfile.TemporaryDirectory(prefix="bench-www-") as scratch,
        serving(Path(scratch), arguments.latency / 1000, arguments.rate * MEGABYTE) as address,
    ):
        payload = find_payload(arguments, address, Path(scratch))
        payload.warm_up()
        packs = make_packs([contender.name for contender in contenders], payload, Path(scratch))
        facts: dict[str, Any] = {
            "media": {medium: media.describe(medium) for medium in arguments.media},
            "network": {"latency_ms": arguments.latency, "megabytes_per_second": arguments.rate or None},
            "payload": {**payload.sizes, "without_wheel": payload.lacking},
            "notes": {contender.name: contender.note for contender in contenders},
        }
        words = {
            "python": sys.executable,
            "base": arguments.python,
            "uv": shutil.which("uv", path=str(Path(sys.executable).parent)) or "uv",
            "lock": str(payload.lock),
            "platform": payload.platform,
            "index": payload.index,
            "host": address.removeprefix("http://"),
            "requirements": str(payload.requirements),
            **packs,
        }
        for number, medium, contender in schedule(arguments.rounds, arguments.media, contenders):
            if contender.name in failures:
                continue
            try:
                done = run_contender(
                    contender, medium=medium, number=number, media=media, payload=payload, words=words
                )
            except KeyboardInterrupt:
                facts["interrupted"] = f"round {number + 1}, {medium}, {contender.name}"
                console.print("[red]interrupted: what was measured until here is reported")
                break
            except (CommandFailedError, OSError) as error:
                failures[contender.name] = str(error)
                console.print(f"[red]{contender.name} is left out from here on:[/] {error}", highlight=False)
                continue
            samples.extend(done)
            told = ", ".join(f"{sample.scenario} {sample.cost.wall:.2f} s" for sample in done)
            console.print(f"round {number + 1} {medium} {contender.name}: {told}", highlight=False)
    return samples, facts, failures


def find_payload(arguments: argparse.Namespace, address: str, folder: Path) -> Payload:
    """The payload that was asked for, or the local channel's.

    Raises:
        PayloadError: The lock, the channel and the wheels don't belong together.
    """
    if not (arguments.channel and arguments.wheels):
        source = local_source()
        arguments.channel = arguments.channel or source.channel
        arguments.wheels = arguments.wheels or source.wheels
    lock, channel = arguments.lock or lock_of(arguments.channel, folder), arguments.channel
    if arguments.times > 1:
        channel, lock = multiplied(lock, channel, arguments.platform, arguments.times, folder / "copies")
    return prepare(
        lock=lock,
        channel=channel,
        wheels=arguments.wheels,
        platform=arguments.platform,
        www=folder,
        address=address,
    )


def main(argv: list[str] | None = None) -> int:
    """Measure, print, write; 1 when a contender could not be run, or the measuring was interrupted."""
    arguments = parse(argv)
    # So that mounts are undone when a time limit ends this, too.
    signal.signal(signal.SIGTERM, signal.default_int_handler)
    console = Console(stderr=True)
    machine = report.machine()
    contenders = [contender for contender in CONTENDERS if contender.name in arguments.only]
    if arguments.times > 1:
        contenders = [
            contender for contender in contenders if contender.installs == "archives"
        ]  # no wheels of copies
    try:
        samples, facts, failures = measure_all(arguments, contenders, console)
    except PayloadError as error:
        console.print(f"[red]{error}")
        return 2
    except subprocess.CalledProcessError as error:
        console.print(f"[red]{' '.join(error.cmd)}: exit {error.returncode}")
        return 2
    summaries = summarise(samples, floor=FLOOR)
    goals = [goal for medium, runs in summaries.items() for goal in judge(medium, runs)]
    show(summaries, goals, facts)
    out = arguments.json or RESULTS / f"restore-{datetime.now(timezone.utc):%Y%m%dT%H%M%SZ}.json"
    out.parent.mkdir(parents=True, exist_ok=True)
    data = report.as_data(
        facts={**machine, **facts}, samples=samples, summaries=summaries, goals=goals, failures=failures
    )
    out.write_text(json.dumps(data, indent=1) + "\n", encoding="utf-8")
    console.print(f"written to {out}", highlight=False)
    return 1 if failures or "interrupted" in facts else 0


def show(
    summaries: Mapping[str, Mapping[tuple[str, str], Summary]], goals: Iterable[Goal], facts: Mapping[str, Any]
) -> None:
    """Print the tables."""
    console = Console()
    if not console.is_terminal:
        console.width = max(console.width, 110)
    for table in report.tables(summaries):
        console.print(table)
    console.print(report.goal_table(goals))
    for medium, kind in facts["media"].items():
        console.print(f"{medium}: {kind}", style="dim", highlight=False)
    console.print(report.MEMORY, style="dim", highlight=False)


if __name__ == "__main__":
    raise SystemExit(main())
