"""Solving with rattler; the only module of `maintain` that imports it.

rattler's own types stay inside: requests and answers are plain data.
"""

from __future__ import annotations

import asyncio
import re
from dataclasses import dataclass
from datetime import datetime, timezone
from typing import TYPE_CHECKING, Any

from rattler.channel.channel import Channel
from rattler.exceptions import (
    FetchRepoDataError,
    GatewayError,
    InvalidChannelError,
    InvalidMatchSpecError,
    InvalidUrlError,
    InvalidVersionSpecError,
    SolverError,
)
from rattler.match_spec.match_spec import MatchSpec
from rattler.networking.client import Client
from rattler.package.build_string import BuildString
from rattler.package.package_name import PackageName
from rattler.repo_data.gateway import Gateway
from rattler.repo_data.package_record import PackageRecord
from rattler.repo_data.record import RepoDataRecord
from rattler.repo_data.sparse import SparseRepoData
from rattler.solver.solver import solve as rattler_solve
from rattler.version.version import Version
from rattler.version.version_spec import VersionSpec
from rattler.virtual_package.generic import GenericVirtualPackage

from bootstrap._util.names import build_number
from bootstrap.errors import (
    ChannelNotFoundError,
    ChannelUnreachableError,
    MaintainError,
    SpecificationError,
    UnknownPackageError,
    UnsatisfiableError,
)
from bootstrap.maintain.solver_reasons import explain

if TYPE_CHECKING:
    from collections.abc import Sequence
    from pathlib import Path

RETRIES = 3
_NO_CANDIDATES = re.compile(r"^Cannot solve the request because of: No candidates were found for (?P<spec>.+?)\.?$")


@dataclass(frozen=True)
class Solved:
    """A record of a solution, or one to be held as it is."""

    name: str
    version: str
    build: str
    url: str
    channel: str
    subdir: str
    depends: tuple[str, ...]
    md5: str | None = None
    sha256: str | None = None
    size: int | None = None
    """Bytes of the archive, where the repodata states them."""
    timestamp: int | None = None
    """Milliseconds since 1970 at which it was built, where the repodata states it."""


@dataclass(frozen=True)
class Request:
    """A question to the solver."""

    specs: tuple[str, ...]
    channels: tuple[str, ...]
    """Bare names (``conda-forge``) or URLs; the records' URLs are these channels'."""
    platform: str
    repodata: Path | None = None
    """A folder with ``SUBDIR/repodata.json``, read in place of the channels' own."""
    virtual_packages: tuple[tuple[str, str, str], ...] = ()
    """Properties of the target machine: names, versions, builds, e.g. ``__glibc``, ``2.28``, ``0``."""
    held: tuple[Solved, ...] = ()
    """Records to keep wherever the specs allow it."""
    exclude_newer: datetime | None = None
    """Ignore records built later; those without a build time are let in."""
    cache: Path | None = None
    """Folder for fetched repodata."""

    @property
    def subdirs(self) -> tuple[str, str]:
        """The parts of a channel that count."""
        return self.platform, "noarch"


def filename(url: str) -> str:
    """An archive's file name."""
    return url.rsplit("/", 1)[-1]


def solve(request: Request) -> tuple[Solved, ...]:
    """Finds the newest set of records that satisfies a request, by name.

    Raises:
        UnsatisfiableError: No such set; the evidence is the solver's explanation, one line each.
        UnknownPackageError: A package asked for is in none of the channels.
        SpecificationError: A spec can't be parsed.
        ChannelNotFoundError: No usable repodata at a channel's address.
        ChannelUnreachableError: A channel's server can't be reached, or failed.
    """
    try:
        return asyncio.run(_solve(request))
    except SolverError as error:
        raise _unsolved(str(error), request.specs) from error
    except (InvalidMatchSpecError, InvalidVersionSpecError) as error:
        raise SpecificationError(f"Can't parse a bound: {str(error).splitlines()[0]}.") from error
    except (InvalidChannelError, InvalidUrlError) as error:
        raise ChannelNotFoundError(f"Invalid channel: {error}.", evidence=request.channels) from error
    except (GatewayError, FetchRepoDataError) as error:
        raise _unfetched(str(error)) from error


async def _solve(request: Request) -> tuple[Solved, ...]:
    gateway = Gateway(cache_dir=request.cache, client=Client.default_client(RETRIES))
    sources = [part for channel in request.channels for part in _open(channel, request)]
    held = await _known(gateway, sources, request) if request.held else []
    records = await rattler_solve(
        sources,
        [MatchSpec(spec) for spec in request.specs],
        gateway=gateway,
        platforms=[*request.subdirs],  # type: ignore[list-item]  # a literal of all subdirs
        locked_packages=held,
        virtual_packages=[
            GenericVirtualPackage(PackageName(name), Version(version), BuildString(build))
            for name, version, build in request.virtual_packages
        ],
        exclude_newer=request.exclude_newer,
        # Records without a build time can't be judged; refusing them would leave a part of any channel unusable.
        timestamp_policy="allow-missing",
        channel_relations="disabled",
    )
    return tuple(sorted((_plain(record) for record in records), key=lambda r: r.name))


def _open(name: str, request: Request) -> list[Any]:
    channel = Channel(name)
    if request.repodata is None:
        return [channel]
    files = {subdir: request.repodata / subdir / "repodata.json" for subdir in request.subdirs}
    present = {subdir: path for subdir, path in files.items() if path.is_file()}
    if "noarch" not in present:
        raise ChannelNotFoundError(f"That folder has no repodata for {name}.", evidence=[str(files["noarch"])])
    try:
        return [SparseRepoData(channel, subdir, path) for subdir, path in present.items()]
    except Exception as error:  # rattler raises its own classes and bare ones for unreadable files
        raise ChannelNotFoundError(
            f"Can't read the repodata of {name}: {error}.", evidence=map(str, present.values())
        ) from error


async def _known(gateway: Gateway, sources: Sequence[Any], request: Request) -> list[RepoDataRecord]:
    """The records to hold, as their channel states them: a lock keeps neither constrains nor build pins."""
    answers = await gateway.query(
        sources,
        [*request.subdirs],  # type: ignore[list-item]  # a literal of all subdirs
        [h.name for h in request.held],
        recursive=False,
        channel_relations="disabled",
    )
    by_url = {str(record.url): record for records in answers for record in records}
    held = []
    for record in request.held:
        known = by_url.get(record.url)
        if known is None:
            held.append(_record(record))
        elif record.sha256 is None or known.sha256 is None or known.sha256.hex() == record.sha256:
            held.append(known)
        # Otherwise the channel has replaced the file: the locked file is gone.
    return held


def _record(held: Solved) -> RepoDataRecord:
    """A record that its channel no longer lists, from what the lock knows of it."""
    record = PackageRecord(
        name=held.name,
        version=held.version,
        build=BuildString.new_unchecked(held.build),
        build_number=build_number(held.build),
        subdir=held.subdir,
        noarch="generic" if held.subdir == "noarch" else None,
        depends=list(held.depends),
        sha256=bytes.fromhex(held.sha256) if held.sha256 else None,
        md5=bytes.fromhex(held.md5) if held.md5 else None,
        size=held.size,
    )
    return RepoDataRecord(record, filename(held.url), held.url, held.channel)


def _plain(record: RepoDataRecord) -> Solved:
    return Solved(
        name=record.name.normalized,
        version=str(record.version),
        build=str(record.build),
        url=str(record.url),
        channel=str(record.channel),
        subdir=str(record.subdir),
        depends=tuple(record.depends),
        md5=record.md5.hex() if record.md5 else None,
        sha256=record.sha256.hex() if record.sha256 else None,
        size=record.size,
        timestamp=int(record.timestamp.timestamp() * 1000) if record.timestamp else None,
    )


def _unsolved(text: str, specs: Sequence[str]) -> MaintainError:
    text = text.strip()
    absent = _NO_CANDIDATES.match(text)
    if absent and "\n" not in text:
        name = absent["spec"].split()[0]
        return UnknownPackageError(
            f"No channel has a usable package {name}.", evidence=[f"requested: {absent['spec']}"]
        )
    return UnsatisfiableError("No set of packages satisfies the specification.", evidence=explain(text, specs))


def _unfetched(text: str) -> MaintainError:
    lines = [line.strip().removeprefix("Caused by: ") for line in text.splitlines() if line.strip()]
    if lines and lines[0].startswith("could not find subdir"):
        return ChannelNotFoundError("There is no channel at that URL.", evidence=lines)
    if lines and "parse" in lines[0]:
        return ChannelNotFoundError("Can't read the channel's repodata.", evidence=lines)
    return ChannelUnreachableError("The channel couldn't be reached.", evidence=lines)


def version_key(text: str) -> Version:
    """A version that compares as conda compares them."""
    return Version(text)


def satisfies(version: str, spec: str) -> bool:
    """Whether a version is within a conda version spec; the empty spec admits all.

    Raises:
        SpecificationError: The spec or the version can't be parsed.
    """
    if spec in ("", "*"):
        return True
    try:
        return VersionSpec(spec).matches(Version(version))
    except Exception as error:  # one class for the spec, another for the version
        raise SpecificationError(f"Can't parse a bound: {error}.", evidence=[f"{version} against {spec}"]) from error


def parse_date(text: str) -> datetime:
    """A day or moment in ISO 8601, as UTC; a bare day means its end.

    Raises:
        ValueError: It is neither.
    """
    moment = datetime.fromisoformat(text)
    if len(text) == len("2026-01-31"):
        moment = moment.replace(hour=23, minute=59, second=59)
    return moment.astimezone(timezone.utc) if moment.tzinfo else moment.replace(tzinfo=timezone.utc)
