"""What conda-lock takes for a conda: answers its four questions with rattler's solver.

conda-lock runs it as ``EXE --version``, ``EXE create --dry-run --json ...``, ``EXE list -p P --json`` and
``EXE install -p P --dry-run --json ...``. What those questions leave out (all specs during an update, repodata
folders, a cut-off date) comes in a `SolveBrief`; size of archives and faults go back in its answer file, since
conda-lock drops the first and garbles the second.
"""

from __future__ import annotations

import argparse
import json
import os
import sys
from dataclasses import asdict, dataclass, replace
from pathlib import Path
from typing import TYPE_CHECKING, Any
from urllib.parse import unquote, urlsplit

from bootstrap.children import tie_to_parent
from bootstrap.errors import BootstrapError
from bootstrap.maintain.solver import Request, Solved, filename, parse_date, solve

if TYPE_CHECKING:
    from collections.abc import Mapping, Sequence

BRIEF_VARIABLE = "BOOTSTRAP_SOLVER_BRIEF"
# conda-lock 4.0.3 asks for nothing that an older conda couldn't; the number only has to parse.
VERSION_LINE = "conda 26.1.0"
FAKE_CHANNEL = "conda-lock-fake-repodata-"


@dataclass(frozen=True)
class SolveBrief:
    """What the command line of a conda can't say."""

    answer: str = ""
    """File to write sizes, or the fault, into."""
    cache: str = ""
    repodata: str | None = None
    """Folder to read every channel's repodata from."""
    exclude_newer: str | None = None
    specs: tuple[str, ...] = ()
    """All specs of the environment: an update is asked for with the updated ones alone."""
    update: tuple[str, ...] = ()
    """Packages to move."""

    def write(self, path: Path) -> None:
        """Writes it to a file, for `read`."""
        path.write_text(json.dumps(asdict(self)), encoding="utf-8")

    @classmethod
    def read(cls, path: Path) -> SolveBrief:
        """Reads what `write` wrote."""
        content = json.loads(path.read_text(encoding="utf-8"))
        return cls(**{**content, "specs": tuple(content["specs"]), "update": tuple(content["update"])})


def main(arguments: Sequence[str] | None = None, environ: Mapping[str, str] = os.environ) -> int:
    """Answers one call of conda-lock on standard output; returns the exit status."""
    args = _parser().parse_args(arguments)
    if args.version:
        print(VERSION_LINE)
        return 0
    if args.command == "list":
        print(json.dumps(_installed(Path(args.prefix))))
        return 0
    brief = SolveBrief.read(Path(environ[BRIEF_VARIABLE])) if environ.get(BRIEF_VARIABLE) else SolveBrief()
    try:
        solution = solve(_request(args, environ, brief))
    except BootstrapError as error:
        _answer(brief, {"fault": error.to_dict()})
        message = "\n".join([error.message, *error.evidence])
        print(json.dumps({"success": False, "error": error.message, "message": message}))
        return 1
    records = [asdict(record) for record in solution]
    _answer(brief, {"records": records})
    fetch = [{**r, "build_string": r["build"], "fn": filename(r["url"])} for r in records]
    link = [{**f, "dist_name": f["fn"].removesuffix(".conda").removesuffix(".tar.bz2")} for f in fetch]
    print(json.dumps({"success": True, "actions": {"FETCH": fetch, "LINK": link}}))
    return 0


def _parser() -> argparse.ArgumentParser:
    parser = argparse.ArgumentParser(prog="bootstrap-solver", description=__doc__)
    parser.add_argument("--version", action="store_true")
    commands = parser.add_subparsers(dest="command")
    for name in ("create", "install", "list"):
        command = commands.add_parser(name)
        command.add_argument("--prefix", "-p", required=True)
        for flag in ("--json", "--no-pip" if name == "list" else "--override-channels"):
            command.add_argument(flag, action="store_true")
        if name != "list":
            command.add_argument("--dry-run", action="store_true", required=True)
            command.add_argument("--channel", "-c", action="append", default=[])
            command.add_argument("specs", nargs="*")
    return parser


def _request(args: argparse.Namespace, environ: Mapping[str, str], brief: SolveBrief) -> Request:
    platform = environ.get("CONDA_SUBDIR", "linux-64")
    virtual = {channel: _virtual_packages(channel, platform) for channel in args.channel}
    request = Request(
        specs=tuple(args.specs),
        channels=tuple(channel for channel, packages in virtual.items() if packages is None),
        platform=platform,
        repodata=Path(brief.repodata) if brief.repodata else None,
        virtual_packages=tuple(package for packages in virtual.values() for package in packages or ()),
        exclude_newer=parse_date(brief.exclude_newer) if brief.exclude_newer else None,
        cache=Path(brief.cache) if brief.cache else None,
    )
    if args.command == "create":
        return request
    installed = [_held(entry) for entry in _installed(Path(args.prefix))]
    moved = set(brief.update) or {spec.split()[0] for spec in args.specs}
    # Without a brief only the updated specs are known: hold the others by name, so that none is lost.
    others = tuple(h.name for h in installed if h.name not in moved)
    return replace(
        request,
        specs=brief.specs or (*request.specs, *others),
        held=tuple(h for h in installed if h.name not in moved),
    )


def _virtual_packages(channel: str, platform: str) -> list[tuple[str, str, str]] | None:
    """The virtual packages of conda-lock's throw-away channel; None for a channel of real packages."""
    url = urlsplit(channel)
    if url.scheme != "file":
        return None
    path = Path(unquote(url.path)) / platform / "repodata.json"
    if not path.is_file():
        return None
    packages = json.loads(path.read_text(encoding="utf-8")).get("packages", {})
    entries = list(packages.values())
    if any(entry.get("package_type") != "virtual_system" for entry in entries):
        return None
    # A local channel of .conda files alone has no entries here either: then the folder's name tells.
    if not entries and FAKE_CHANNEL not in url.path:
        return None
    return [(e["name"], e["version"], e["build"]) for e in entries]


def _installed(prefix: Path) -> list[dict[str, Any]]:
    files = sorted((prefix / "conda-meta").glob("*.json"))
    return [json.loads(file.read_text(encoding="utf-8")) for file in files]


def _held(entry: Mapping[str, Any]) -> Solved:
    known: dict[str, Any] = {
        name: entry.get(name) for name in ("name", "version", "build", "url", "subdir", "md5", "sha256")
    }
    return Solved(**known, channel=entry["url"].rsplit("/", 2)[0], depends=tuple(entry["depends"]))


def _answer(brief: SolveBrief, content: Mapping[str, Any]) -> None:
    if brief.answer:
        Path(brief.answer).write_text(json.dumps(content), encoding="utf-8")


if __name__ == "__main__":
    tie_to_parent()  # conda-lock is tied to its own
    status = main()
    sys.stdout.flush()
    # rattler's threads can crash an interpreter that winds down; the answer is out, so end without that.
    os._exit(status)
