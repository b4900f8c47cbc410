"""What an index has of a package: archives, their sizes and days, and what each needs.

Asked by the Simple API (JSON where the index has it, HTML otherwise) and of folders of archives. A resolver's word
is never doubted here: this only tells what belongs to a version that a resolver, or a freeze file, has named.
"""

from __future__ import annotations

import hashlib
import html.parser
import json
import re
import urllib.error
import urllib.parse
from contextlib import suppress
from dataclasses import asdict, dataclass, replace
from pathlib import Path
from typing import TYPE_CHECKING

from packaging.utils import canonicalize_version

from bootstrap._util.atomic import write_atomically
from bootstrap._util.names import canonical_name
from bootstrap.diagnosis import package_metadata
from bootstrap.diagnosis.bounded_read import fetch
from bootstrap.diagnosis.model import Dist
from bootstrap.diagnosis.settings import add
from bootstrap.errors import IndexUnreachableError
from bootstrap.prefix.cache import default_cache

if TYPE_CHECKING:
    from collections.abc import Callable, Sequence

    from bootstrap.diagnosis.settings import PipSettings

_JSON = "application/vnd.pypi.simple.v1+json"
_ACCEPT = f"{_JSON}, application/vnd.pypi.simple.v1+html;q=0.2, text/html;q=0.1"
_REMOTE = re.compile(r"https?:", re.IGNORECASE)
_SOURCES = (".tar.gz", ".zip", ".tar.bz2", ".tgz", ".tar.xz")


@dataclass(frozen=True)
class Archive:
    """One file of a package."""

    filename: str
    url: str
    version: str
    size: int | None = None
    uploaded: str | None = None
    """Day and time, ISO 8601."""
    metadata: bool = False
    """Whether the index serves its METADATA beside it."""

    @property
    def wheel(self) -> bool:
        """Whether it is a wheel."""
        return self.filename.endswith(".whl")


class Index:
    """The indexes and folders of some settings."""

    def __init__(self, settings: PipSettings, python: str, *, cache: Path | None = None) -> None:
        """Remembers where to ask.

        Args:
            settings: The places.
            python: ``3.12``: its wheels are preferred.
            cache: Where METADATA is kept, by the archive's address.
        """
        self.settings = settings
        self._python = python
        self._tag = f"cp{python.replace('.', '')}"
        self._cache = cache or default_cache() / "metadata"
        self._listed: dict[str, list[Archive]] = {}
        self._others: dict[PipSettings, Index] = {settings: self}

    def with_options(self, options: Sequence[str]) -> Index:
        """The same with the places that a command's options name."""
        settings = add(self.settings, options)
        return self._others.setdefault(settings, Index(settings, self._python, cache=self._cache))

    def archives(self, name: str) -> list[Archive]:
        """All files of a package, in no order.

        Raises:
            IndexUnreachableError: An index doesn't answer.
        """
        key = canonical_name(name)
        if key not in self._listed:
            self._listed[key] = [*self._archives(key, remote=False), *self._archives(key, remote=True)]
        return self._listed[key]

    def _archives(self, key: str, *, remote: bool) -> list[Archive]:
        """The files of a package that are elsewhere, or that lie on this machine."""
        links = (link for link in self.settings.find_links if bool(_REMOTE.match(link)) is remote)
        pages = (index for index in self.settings.indexes if bool(_REMOTE.match(index)) is remote)
        archives = [archive for link in links for archive in _folder(link)]
        archives += [archive for page in pages for archive in _page(f"{page}/{key}/")]
        return [archive for archive in archives if version_in(archive.filename, key)]

    def choose(self, name: str, version: str) -> Archive | None:
        """The file of a version that this Python would take: its wheel, any wheel, else the source."""
        return self._best(self.archives(name), version)

    def _best(self, every: list[Archive], version: str) -> Archive | None:
        wanted, public = canonicalize_version(version), canonicalize_version(version.partition("+")[0])
        of_version = [a for a in every if canonicalize_version(a.version) == wanted] or [
            a for a in every if canonicalize_version(a.version) == public
        ]

        def rank(archive: Archive) -> tuple[bool, bool, bool, bool, str]:
            tags = archive.filename.removesuffix(".whl").split("-")[-3:]
            ours = archive.wheel and (self._tag in tags[0] or "py3" in tags[0] or tags[1] == "abi3")
            fits = archive.wheel and (tags[2] == "any" or ("linux" in tags[2] and "x86_64" in tags[2]))
            return not archive.wheel, not ours, not fits, "musllinux" in archive.filename, archive.filename

        return min(of_version, key=rank, default=None)

    def runs_here(self, archive: Archive) -> bool:
        """Whether a wheel is for this Python (a source archive may be)."""
        if not archive.wheel:
            return True
        python, abi = archive.filename.removesuffix(".whl").split("-")[-3:-1]
        return self._tag in python.split(".") or "py3" in python.split(".") or abi == "abi3"

    def dist(self, name: str, version: str) -> Dist | None:
        """A version with what it needs; None where no metadata can be had.

        Raises:
            IndexUnreachableError: An index doesn't answer.
        """
        wanted = canonicalize_version(version)
        local = self._archives(canonical_name(name), remote=False)
        here = [archive for archive in local if canonicalize_version(archive.version) == wanted]
        if archive := self._best(here, version):
            return self.dist_of(archive)

        def read() -> Dist | None:
            archive = self.choose(name, version)
            return self.dist_of(archive) if archive else None

        # A version on an index stays what it is, so its page needs to be read once only.
        places = "|".join((*self.settings.indexes, *self.settings.find_links))
        key = f"{places}|{self._tag}|{canonical_name(name)}|{wanted}"
        return self._kept(key, read)

    def dist_of(self, archive: Archive) -> Dist | None:
        """What an archive says of itself; None where it says nothing."""

        def read() -> Dist | None:
            with suppress(OSError, ValueError):
                return _read(archive)
            return None

        # A local archive may be another one tomorrow.
        return read() if archive.url.startswith("file:") else self._kept(archive.url, read)

    def _kept(self, key: str, read: Callable[[], Dist | None]) -> Dist | None:
        """What was kept under a key, else what is read now, to be kept."""
        path = self._cache / f"{hashlib.sha256(key.encode()).hexdigest()[:40]}.json"
        with suppress(OSError, ValueError, TypeError):  # nothing, or what another version of this program has kept
            return Dist.from_dict(json.loads(path.read_text(encoding="utf-8")))
        dist = read()
        if dist is not None:
            with suppress(OSError):  # a cache that can't be written is none
                write_atomically(path, json.dumps(asdict(dist)), shared=True, durable=False)
        return dist


def _read(archive: Archive) -> Dist:
    if archive.metadata:
        with suppress(OSError, ValueError):
            text = fetch(f"{archive.url}.metadata")[0].decode("utf-8", "replace")
            return package_metadata.parse(text, archive.url)
    return (
        package_metadata.read_wheel(archive.url)
        if archive.wheel
        else package_metadata.read_source(archive.url, archive.size)
    )


def archive_at(url: str) -> Archive:
    """An archive by its address alone."""
    filename = Path(urllib.parse.unquote(urllib.parse.urlsplit(url).path)).name
    return Archive(filename, url.partition("#")[0], version_in(filename) or "")


def version_in(filename: str, name: str = "") -> str | None:
    """The version in an archive's name; None where it is not one of that package."""
    if filename.endswith(".whl"):
        parts = filename.removesuffix(".whl").split("-")
        return parts[1] if len(parts) >= 5 and (not name or canonical_name(parts[0]) == name) else None
    for suffix in _SOURCES:
        if filename.endswith(suffix):
            stem, _, version = filename.removesuffix(suffix).rpartition("-")
            return version if not name or canonical_name(stem) == name else None
    return None


def _page(url: str) -> list[Archive]:
    """An index's page of one package; empty where it has none."""
    try:
        data, headers = fetch(url, {"Accept": _ACCEPT})
    except urllib.error.HTTPError as error:
        if error.code in (403, 404, 410):
            return []
        raise IndexUnreachableError(
            "The package index returned an error.", evidence=[f"{url}: HTTP {error.code}"]
        ) from error
    except OSError as error:
        if url.startswith("file:"):
            return _folder(url)
        reason = getattr(error, "reason", None) or error
        raise IndexUnreachableError("The package index doesn't respond.", evidence=[f"{url}: {reason}"]) from error
    if headers.get("Content-Type", "").startswith(_JSON):
        return [
            replace(
                archive_at(urllib.parse.urljoin(url, f["url"])),
                size=f.get("size"),
                uploaded=f.get("upload-time"),
                metadata=bool(f.get("core-metadata") or f.get("dist-info-metadata")),
            )
            for f in json.loads(data)["files"]
        ]
    return _links(data.decode("utf-8", "replace"), url)


def _folder(link: str) -> list[Archive]:
    """The archives in a folder, or those that a page links."""
    if _REMOTE.match(link) or link.endswith(".html"):
        try:
            return _links(fetch(link)[0].decode("utf-8", "replace"), link)
        except OSError:
            return []
    place = Path(urllib.request.url2pathname(urllib.parse.urlsplit(link).path) if link.startswith("file:") else link)
    if (place / "index.html").is_file():
        return _links((place / "index.html").read_text(encoding="utf-8"), f"{place.absolute().as_uri()}/")
    try:
        files = [f for f in place.iterdir() if f.is_file()]
    except OSError:
        return []
    return [replace(archive_at(f.absolute().as_uri()), size=f.stat().st_size) for f in files]


class _Anchors(html.parser.HTMLParser):
    def __init__(self) -> None:
        super().__init__()
        self.found: list[dict[str, str | None]] = []

    def handle_starttag(self, tag: str, attrs: list[tuple[str, str | None]]) -> None:
        if tag == "a":
            self.found.append(dict(attrs))


def _links(text: str, base: str) -> list[Archive]:
    parser = _Anchors()
    parser.feed(text)
    return [
        replace(
            archive_at(urllib.parse.urljoin(base, anchor.get("href") or "")),
            metadata="data-core-metadata" in anchor or "data-dist-info-metadata" in anchor,
        )
        for anchor in parser.found
    ]
