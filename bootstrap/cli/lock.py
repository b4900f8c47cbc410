"""The maintainers' commands: ``lock``, ``diff``, ``render``."""

from __future__ import annotations

import sys
from pathlib import Path
from typing import TYPE_CHECKING

from bootstrap.cli.command import add_command
from bootstrap.cli.options import gpu_is_cuda
from bootstrap.console import PlainProgress, print_json, print_text, show
from bootstrap.errors import EXIT_OK, LockNotWritableError
from bootstrap.hints import command
from bootstrap.lock.model import PLATFORM
from bootstrap.progress import NullProgress

if TYPE_CHECKING:
    import argparse
    from collections.abc import Sequence

    from bootstrap.cli.command import Commands
    from bootstrap.errors import BootstrapError
    from bootstrap.lock.model import Lock
    from bootstrap.maintain.variant import LockVariant

_SPECIFICATION = Path("environment.yml")
_LOCK = """\
Solve environment.yml into conda-lock.yml (CPU) and conda-lock-cuda.yml (NVIDIA GPU), with conda-lock and a
built-in solver; no conda is needed. Either all locks are written or, if anything fails, none.

Needs the extra: pip install 'condacolab-bootstrap[maintain]'
"""
_LOCK_EXAMPLES = """\
examples:
  bootstrap lock --init                            write a first environment.yml, to add your packages to
  bootstrap lock                                   solve both variants
  bootstrap lock --update numpy                    update numpy, and as little else as possible
  bootstrap lock --check                           offline, for CI: does the lock match environment.yml?
  bootstrap lock --exclude-newer 2026-08-01        ignore later builds
  bootstrap lock --channel file:///srv/channel --output out   against a local channel, beside the committed locks
  bootstrap lock --repodata DIR                    conda-forge's URLs, its repodata read from DIR/SUBDIR

exit codes: 10 to 29 the lock breaks its policy, 60 to 79 refreshing or checking failed (docs/lock.md)
"""
_DIFF_EXAMPLES = """\
examples:
  bootstrap diff HEAD                              what the working tree's lock changes
  bootstrap diff v1.0 v1.1 --format markdown       for a pull request or a release
  bootstrap diff old.yml new.yml --json            as data
"""
_RENDER_EXAMPLES = """\
examples:
  bootstrap render > env.txt                       for conda 24.9 and later: conda create -n X --file env.txt
  bootstrap render --hash md5 --output env.txt     for older ones
  bootstrap render --lock conda-lock-cuda.yml      the environment for GPUs
"""


def register(commands: Commands) -> None:
    """Adds the commands to the command line."""
    lock = add_command(commands, "lock", _run_lock, description=_LOCK, epilog=_LOCK_EXAMPLES)
    lock.add_argument(
        "-f", "--file", type=Path, default=_SPECIFICATION, help="the specification [default: %(default)s]"
    )
    lock.add_argument(
        "-o", "--output", type=Path, metavar="DIR", help="folder of the locks [default: the specification's]"
    )
    lock.add_argument(
        "--variant",
        type=gpu_is_cuda,
        choices=("cpu", "cuda", "all"),
        default="all",
        help="which lock [default: %(default)s]",
    )
    lock.add_argument(
        "--init",
        action="store_true",
        help="write a first environment.yml, with what a kernel needs; add your packages",
    )
    lock.add_argument("--update", action="append", default=[], metavar="NAME", help="update only NAME; repeatable")
    lock.add_argument("--check", action="store_true", help="only check the locks, offline; write nothing")
    lock.add_argument("--channel", metavar="URL", help="lock against this channel, which the locks will name")
    lock.add_argument("--repodata", type=Path, metavar="DIR", help="read the channel's repodata from DIR")
    lock.add_argument("--exclude-newer", metavar="DATE", help="ignore packages built after DATE (2026-08-01)")
    lock.add_argument("--conda", metavar="EXE", help="solve with conda, mamba, micromamba or a path")
    lock.add_argument(
        "--conda-lock", default="conda-lock", metavar="EXE", help="the conda-lock to use [default: %(default)s]"
    )
    lock.add_argument("--changelog", type=Path, metavar="FILE", help="add the entry to FILE, not to the output")

    diff = add_command(
        commands,
        "diff",
        _run_diff,
        description="Compare two locks (files, or git revisions of one): numpy first, then the "
        "packages of environment.yml, then the rest.",
        epilog=_DIFF_EXAMPLES,
    )
    diff.add_argument("old", metavar="OLD", help="a lock file or a git revision")
    diff.add_argument("new", metavar="NEW", nargs="?", help="the same; the working tree's lock if left out")
    diff.add_argument(
        "-f",
        "--lock",
        type=Path,
        default=Path("conda-lock.yml"),
        metavar="FILE",
        help="lock file to read at the given revisions [default: %(default)s]",
    )
    diff.add_argument(
        "--file",
        type=Path,
        default=_SPECIFICATION,
        metavar="FILE",
        help="specification whose packages are listed first [default: %(default)s]",
    )
    diff.add_argument("--platform", default=PLATFORM, help="[default: %(default)s]")
    diff.add_argument("--format", choices=("text", "markdown", "json"), default="text", help="[default: %(default)s]")

    render = add_command(
        commands,
        "render",
        _run_render,
        description="Write the lock as a list of URLs with hashes, which any conda, mamba or micromamba installs "
        "without solving.",
        epilog=_RENDER_EXAMPLES,
    )
    render.add_argument(
        "-f", "--lock", type=Path, default=Path("conda-lock.yml"), metavar="FILE", help="[default: %(default)s]"
    )
    render.add_argument("--platform", default=PLATFORM, help="[default: %(default)s]")
    render.add_argument("--hash", choices=("sha256", "md5"), default="sha256", help="[default: %(default)s]")
    render.add_argument("-o", "--output", type=Path, metavar="FILE", help="write to FILE, not to standard output")


def _run_lock(args: argparse.Namespace) -> int:
    from bootstrap.maintain.variant import select

    _refuse_contradictions(args)
    if args.init:
        return _init(args)
    variants = select(args.variant)
    if args.check:
        return _check(args, variants)
    return _refresh(args, variants)


def _refuse_contradictions(args: argparse.Namespace) -> None:
    from bootstrap.maintain.solver import parse_date

    solving = args.update or args.repodata or args.exclude_newer or args.conda or args.changelog
    if args.init and (args.check or solving or args.channel or args.output):
        args.parser.error("--init only writes the specification: run `bootstrap lock` afterwards")
    if args.check and solving:
        args.parser.error("--check can't be combined with options for solving or writing")
    if args.channel and args.repodata:
        args.parser.error("--channel can't be combined with --repodata: a channel has its own repodata")
    if args.conda and (args.repodata or args.exclude_newer):
        args.parser.error("--repodata and --exclude-newer need the built-in solver: omit --conda")
    if args.exclude_newer:
        try:
            parse_date(args.exclude_newer)
        except ValueError:
            args.parser.error(f"--exclude-newer: {args.exclude_newer!r} is not a date such as 2026-08-01")


def _init(args: argparse.Namespace) -> int:
    from bootstrap.card import Card
    from bootstrap.maintain.starter import write_starter
    from bootstrap.runtime.needs import COLAB, KERNEL

    needs = (*KERNEL.values(), *COLAB.values())
    write_starter(args.file, needs)
    if args.json:
        print_json({"specification": str(args.file), "needs": list(needs)})
    elif not args.quiet:
        then = command("lock", file=None if args.file == _SPECIFICATION else args.file)
        title = f"`{args.file}`, with what a notebook's kernel needs"
        show(Card(title=title, verdict="ok", word="written", next=f"Add your packages, then run `{then}`."))
    return EXIT_OK


def _check(args: argparse.Namespace, variants: Sequence[LockVariant]) -> int:
    from bootstrap.maintain.lock_check import check_lock

    folder = args.output or args.file.parent
    faults: list[BootstrapError] = []
    locks: list[tuple[LockVariant, Lock]] = []
    for variant in variants:
        lock, broken = check_lock(variant, specification=args.file, folder=folder, channel=args.channel)
        locks.append((variant, lock))
        faults += broken
    if faults:
        raise _joined(faults)
    if args.json:
        print_json({"locks": [{"variant": v.name, "path": str(lo.path), "faults": []} for v, lo in locks]})
    elif not args.quiet:
        for variant, lock in locks:
            total = sum(r.size or 0 for r in lock.records)
            size = f"{len(lock.records)} records, {total / 1e6:.1f} MB"
            print_text(f"{lock.path}: sound, {size} ({variant.title})\n")
    return EXIT_OK


def _joined(faults: Sequence[BootstrapError]) -> BootstrapError:
    """The first fault, with the others among its evidence: one exit code, nothing hidden."""
    first, *others = faults
    for other in others:
        first.evidence += (
            f"also {other.id} ({other.exit_code}): {other.message}",
            *(f"  {e}" for e in other.evidence),
        )
    return first


def _refresh(args: argparse.Namespace, variants: Sequence[LockVariant]) -> int:
    from bootstrap.lock.diff import compare
    from bootstrap.maintain.change_report import to_card, to_changelog
    from bootstrap.maintain.refresh import RefreshSettings, refresh
    from bootstrap.maintain.solver import version_key
    from bootstrap.maintain.specification import read_specification

    quiet = args.quiet or args.json
    settings = RefreshSettings(
        specification=args.file,
        folder=args.output or args.file.parent,
        variants=tuple(variants),
        update=tuple(dict.fromkeys(args.update)),
        channel=args.channel,
        repodata=args.repodata,
        exclude_newer=args.exclude_newer,
        conda=args.conda,
        conda_lock=args.conda_lock,
    )
    done = refresh(settings, progress=(NullProgress() if quiet else PlainProgress(sys.stderr)).note)
    specification = read_specification(args.file)
    shown = [
        (one, compare(one.old, one.new, platform=platform, explicit=specification.names, version_key=version_key))
        for one in done
        for platform in specification.platforms
    ]
    entries = "".join(to_changelog(difference, title=f"`{one.path.name}`") for one, difference in shown)
    if args.changelog and entries:
        _add_entries(args.changelog, entries)
    if args.json:
        parts = [
            {"variant": r.variant.name, "path": str(r.path), "changed": r.changed, "difference": d.to_dict()}
            for r, d in shown
        ]
        print_json({"locks": parts, "changelog": entries})
        return EXIT_OK
    if not quiet:
        for one, difference in shown:
            if one.old is None:
                _show_first(one.new, difference.platform)
            else:
                show(to_card(difference, title=one.path.name))
            if one.undated:
                print_text(f"Records without a build time, accepted despite the cut-off date: {one.undated}\n")
        if entries and not args.changelog and all(one.old for one in done):
            print_text(f"\nDraft for the changelog:\n\n{entries}")
    return EXIT_OK


def _add_entries(path: Path, entries: str) -> None:
    from bootstrap.maintain.change_report import add_to_changelog
    from bootstrap.maintain.lockfile import place

    try:
        text = path.read_text(encoding="utf-8") if path.exists() else "# Changelog\n"
    except OSError as error:
        raise LockNotWritableError(
            f"Can't read the changelog: {error.strerror or error}.", evidence=[str(path)]
        ) from error
    place({path: add_to_changelog(text, entries)})


def _run_diff(args: argparse.Namespace) -> int:
    from bootstrap.lock.diff import compare
    from bootstrap.maintain.change_report import to_card, to_markdown
    from bootstrap.maintain.revision import read_revision
    from bootstrap.maintain.solver import version_key
    from bootstrap.maintain.specification import read_specification

    new_name = args.new or str(args.lock)
    old, new = (read_revision(name, lock_path=args.lock) for name in (args.old, new_name))
    explicit = read_specification(args.file).names if args.file.is_file() else ()
    difference = compare(old, new, platform=args.platform, explicit=explicit, version_key=version_key)
    title = f"{args.lock.name}: {args.old} to {args.new or 'the working tree'}"
    if args.format == "json" or args.json:
        print_json(difference.to_dict())
    elif args.format == "markdown":
        print_text(to_markdown(difference, title=title))
    else:
        show(to_card(difference, title=title))
    return EXIT_OK


def _run_render(args: argparse.Namespace) -> int:
    from bootstrap.lock.reader import read_lock
    from bootstrap.lock.render import explicit
    from bootstrap.maintain.lockfile import place

    text = explicit(read_lock(args.lock), args.platform, digest=args.hash)
    if args.output:
        place({args.output: text})
    elif args.json:
        print_json({"lock": str(args.lock), "platform": args.platform, "explicit": text})
    else:
        print_text(text)
    return EXIT_OK


def _show_first(lock: Lock, platform: str) -> None:
    """A lock where there was none: what is in it and how it is used, instead of what changed."""
    from dataclasses import replace

    from bootstrap.lock.explanation import explain
    from bootstrap.lock.policy import validate

    card = explain(lock, validate(lock, platform), platform).card
    uses = (
        f"`bootstrap.run(lock={str(lock.path)!r})` in a notebook",
        f"`{command('restore', lock=lock.path, prefix='./env')}` in a shell",
    )
    rows = (*card.rows, ("sha256", lock.sha256))
    show(replace(card, word="written", rows=rows, next=", ".join(uses)))
