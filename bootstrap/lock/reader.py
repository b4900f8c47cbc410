"""Reads conda-lock.yml, format version 1.

Reading keeps the line of every record, so that a fault can be shown where it stands; what a well-formed lock
must satisfy to be used is `policy`'s matter. Keys that conda-lock's own parser refuses are refused here.

A record's archive size is not part of the format. Locks written by this project carry it as a comment on the
line of the sha256 (``sha256: 4f..  # size: 1234``), which other parsers skip.
"""

from __future__ import annotations

import hashlib
import re
from dataclasses import replace
from typing import TYPE_CHECKING
from urllib.parse import urlsplit

import yaml

from bootstrap.errors import DuplicateRecordError, LockNotFoundError, LockSyntaxError, LockVersionError
from bootstrap.hints import command
from bootstrap.lock.model import MAIN_CATEGORY, Lock, Record

if TYPE_CHECKING:
    from collections.abc import Collection, Mapping
    from pathlib import Path

FORMAT_VERSION = 1

LARGEST = 64_000_000
"""Bytes of a lock at most: a thousand packages on ten platforms are less than 10 MB."""
_SIZE = re.compile(r"\bsha256:\s*['\"]?[0-9a-fA-F]{64}['\"]?\s+#\s*size:\s*([0-9]{1,15})\b")
_LINE_END = re.compile("\r\n|[\r\n\x85\u2028\u2029]")  # YAML's, which are fewer than str.splitlines has
_TOP = {"version", "metadata", "package"}
_METADATA = {
    "channels",
    "content_hash",
    "custom_metadata",
    "git_metadata",
    "inputs_metadata",
    "platforms",
    "sources",
    "time_metadata",
}
_PACKAGE = {
    "build",
    "category",
    "dependencies",
    "hash",
    "manager",
    "name",
    "optional",
    "platform",
    "source",
    "url",
    "version",
}
# yaml's C loader is ten times faster; wheels have it, some distributions' builds don't.
_Loader: type = getattr(yaml, "CSafeLoader", yaml.SafeLoader)


def read_lock(path: Path) -> Lock:
    """Reads a lock file.

    Raises:
        LockNotFoundError: No such file, or unreadable.
        LockSyntaxError: Not YAML or not a conda-lock file; the evidence has file and line.
        LockVersionError: Another format version than 1.
        DuplicateRecordError: Two different records for one package on one platform.
    """
    try:
        # Others (a device, a pipe) may have no end.
        if path.exists() and not path.is_file():
            raise LockNotFoundError("The lock isn't a regular file.", evidence=[str(path)])
        with path.open("rb") as file:
            data = file.read(LARGEST + 1)
    except (OSError, ValueError) as error:
        reason = getattr(error, "strerror", None) or str(error)
        raise LockNotFoundError(f"Can't read the lock file: {reason}.", evidence=[str(path)]) from error
    if len(data) > LARGEST:
        raise LockSyntaxError("The lock file is too large.", evidence=[f"{path}: over {LARGEST} bytes"])
    return parse_lock(data, path)


def parse_lock(data: bytes, path: Path) -> Lock:
    """Reads a lock from its bytes; `path` names it in errors. Raises as `read_lock` does."""
    try:
        text = data.decode()
        if other := _other_format(text, path.name):
            raise LockSyntaxError(
                "The file is not a conda-lock file.", evidence=[f"{path}: {other[0]}"], hint=other[1]
            )
        root = yaml.compose(text, Loader=_Loader)
    except UnicodeDecodeError as error:
        raise LockSyntaxError("The lock file is not UTF-8 text.", evidence=[f"{path}: {error.reason}"]) from error
    except (yaml.YAMLError, RecursionError, ValueError) as error:
        raise LockSyntaxError("The lock file is not valid YAML.", evidence=_yaml_evidence(path, error)) from error
    return _LockReader(path, text).lock(root, hashlib.sha256(data).hexdigest())


def _other_format(text: str, name: str) -> tuple[str, str] | None:
    """What another program's lock is, and what to do; None where it isn't known to be one."""
    if re.search("^@EXPLICIT\\s*$", text, re.MULTILINE):
        return "an explicit list of URLs (@EXPLICIT), for conda", (
            "Pass the conda-lock.yml that it was rendered from, or lock its environment.yml with `bootstrap lock`."
        )
    keys = ("version", "environments", "packages")
    if name == "pixi.lock" or all(re.search(f"^{key}:", text, re.MULTILINE) for key in keys):
        return "a lock of pixi", "Export it with `pixi workspace export conda-environment`, and lock that."
    return None


def _yaml_evidence(path: Path, error: Exception) -> list[str]:
    mark = getattr(error, "problem_mark", None)
    problem = getattr(error, "problem", None) or str(error) or type(error).__name__
    return [f"{path}:{mark.line + 1}: {problem}" if mark else f"{path}: {problem}"]


class _LockReader:
    """Turns YAML nodes into records; knows where it is, for errors."""

    def __init__(self, path: Path, text: str) -> None:
        self.path = path
        self.lines = _LINE_END.split(text)

    def fault(self, node: yaml.Node | None, message: str, hint: str | None = None) -> LockSyntaxError:
        where = f"{self.path}:{node.start_mark.line + 1}" if node is not None else str(self.path)
        return LockSyntaxError("The file is not a conda-lock file.", evidence=[f"{where}: {message}"], hint=hint)

    def lock(self, root: yaml.Node | None, sha256: str) -> Lock:
        if not isinstance(root, yaml.MappingNode):
            raise self.fault(root, "expected a mapping with version, metadata and package")
        names = [getattr(key, "value", None) for key, _ in root.value]
        if "dependencies" in names and "package" not in names:
            hint = f"It is a specification: `{command('lock', file=self.path)}` makes locks of it."
            raise self.fault(root, "dependencies instead of locked packages", hint)
        # The version first: what else an unknown version allows is unknown too.
        entries = self.mapping(root)
        self.version(root, entries.get("version"))
        self.mapping(root, _TOP)
        metadata = self.need(root, entries, "metadata")
        meta = self.mapping(metadata, _METADATA)
        return Lock(
            path=self.path,
            content_hash=self.strings(self.need(metadata, meta, "content_hash")),
            channels=tuple(map(self.channel, self.sequence(self.need(metadata, meta, "channels")))),
            platforms=self.texts(self.need(metadata, meta, "platforms")),
            sources=self.texts(meta["sources"]) if "sources" in meta else (),
            records=self.records(self.need(root, entries, "package")),
            sha256=sha256,
        )

    def version(self, root: yaml.Node, node: yaml.Node | None) -> None:
        if node is None:
            raise self.fault(root, "no version")
        if not isinstance(node, yaml.ScalarNode) or node.value != str(FORMAT_VERSION):
            version = ascii(node.value)[1:-1][:40] if isinstance(node, yaml.ScalarNode) else "something else"
            raise LockVersionError(
                f"The lock has format version {version}; this program reads version {FORMAT_VERSION}.",
                evidence=[f"{self.path}:{node.start_mark.line + 1}"],
            )

    def channel(self, node: yaml.Node) -> str:
        if isinstance(node, yaml.ScalarNode):
            return self.address(node)
        entries = self.mapping(node, {"url", "used_env_vars"})
        if "used_env_vars" in entries:
            self.texts(entries["used_env_vars"])
        return self.address(self.need(node, entries, "url"))

    def records(self, packages: yaml.Node) -> tuple[Record, ...]:
        """One record a package, platform and manager: v1 repeats an entry for each category."""
        joined: dict[tuple[str, str, str], Record] = {}
        for node in self.sequence(packages):
            record = self.record(node)
            key = (record.manager, record.name, record.platform)
            first = joined.setdefault(key, record)
            if first is record:
                continue
            alike = replace(record, categories=first.categories, line=first.line, size=first.size)
            if alike != first or set(first.categories) & set(record.categories):
                raise DuplicateRecordError(
                    f"The lock has two records for {record.name} on {record.platform}.",
                    evidence=[f"{self.path}:{r.line}: {r.url}" for r in (first, record)],
                )
            joined[key] = replace(first, categories=tuple(sorted({*first.categories, *record.categories})))
        return tuple(joined.values())

    def record(self, node: yaml.Node) -> Record:
        entries = self.mapping(node, _PACKAGE)
        digests = self.mapping(self.need(node, entries, "hash"), {"md5", "sha256"})
        manager = self.string(self.need(node, entries, "manager"))
        if manager not in ("conda", "pip"):
            raise self.fault(entries["manager"], f"manager {manager!r} is neither conda nor pip")
        depends = entries.get("dependencies")
        sha256 = digests.get("sha256")
        return Record(
            name=self.string(self.need(node, entries, "name")),
            version=self.string(self.need(node, entries, "version")),
            manager=manager,
            platform=self.string(self.need(node, entries, "platform")),
            url=self.address(self.need(node, entries, "url")),
            sha256=self.optional_string(sha256),
            md5=self.optional_string(digests.get("md5")),
            depends=self.strings(depends) if depends is not None else {},
            categories=(self.string(entries["category"]) if "category" in entries else MAIN_CATEGORY,),
            locked_build=self.optional_string(entries.get("build")),
            size=self.size(sha256),
            line=node.start_mark.line + 1,
        )

    def size(self, sha256: yaml.Node | None) -> int | None:
        if sha256 is None:
            return None
        size = _SIZE.search("".join(self.lines[sha256.start_mark.line :][:1]))
        return int(size[1]) if size else None

    # Shapes

    def mapping(self, node: yaml.Node, known: Collection[str] | None = None) -> dict[str, yaml.Node]:
        if not isinstance(node, yaml.MappingNode):
            raise self.fault(node, "expected a mapping")
        entries: dict[str, yaml.Node] = {}
        for key, value in node.value:
            name = self.string(key)
            if name in entries:
                raise self.fault(key, f"{name!r} appears twice in one mapping")
            if known is not None and name not in known:
                raise self.fault(key, f"unknown key {name!r}")
            entries[name] = value
        return entries

    def need(self, node: yaml.Node, entries: Mapping[str, yaml.Node], name: str) -> yaml.Node:
        if name not in entries:
            raise self.fault(node, f"{name!r} is missing from this mapping")
        return entries[name]

    def sequence(self, node: yaml.Node) -> list[yaml.Node]:
        if not isinstance(node, yaml.SequenceNode):
            raise self.fault(node, "expected a list")
        return list(node.value)

    def texts(self, node: yaml.Node) -> tuple[str, ...]:
        return tuple(map(self.string, self.sequence(node)))

    def string(self, node: yaml.Node) -> str:
        if not isinstance(node, yaml.ScalarNode) or node.tag != "tag:yaml.org,2002:str":
            shown = repr(node.value) if isinstance(node, yaml.ScalarNode) else "a collection"
            raise self.fault(node, f"expected text, found {shown} (numbers and dates need quotes)")
        return str(node.value)

    def address(self, node: yaml.Node) -> str:
        """A URL, or a channel's bare name."""
        text = self.string(node)
        try:
            _, _ = urlsplit(text).hostname, urlsplit(text).port
        except ValueError as error:
            raise self.fault(node, f"a malformed URL, {text}: {error}") from None
        return text

    def optional_string(self, node: yaml.Node | None) -> str | None:
        if node is None or node.tag == "tag:yaml.org,2002:null":
            return None
        return self.string(node)

    def strings(self, node: yaml.Node) -> dict[str, str]:
        return {name: self.string(value) for name, value in self.mapping(node).items()}
