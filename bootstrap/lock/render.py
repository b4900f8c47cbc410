"""A lock as an explicit file, which every conda can install: ``conda create --name X --file FILE``."""

from __future__ import annotations

from typing import TYPE_CHECKING, Literal

from bootstrap.errors import MissingHashError
from bootstrap.lock.policy import validate

if TYPE_CHECKING:
    from collections.abc import Sequence

    from bootstrap.lock.model import Lock, Record

Digest = Literal["sha256", "md5"]


def explicit(lock: Lock, platform: str, *, digest: Digest = "sha256") -> str:
    """The explicit file of a lock for a platform.

    Args:
        lock: The lock.
        platform: E.g. ``linux-64``.
        digest: The hash after each URL: ``sha256``, which conda reads from 24.9 on, or ``md5`` for older ones.

    Raises:
        LockError: The lock breaks the policy.
        MissingHashError: A record has no hash of that kind.
    """
    records = validate(lock, platform)
    without = [r for r in records if not getattr(r, digest)]
    if without:
        raise MissingHashError(
            f"{len(without)} records have no {digest}.",
            evidence=[f"{lock.path}:{r.line}: {r}" for r in without[:5]],
            hint="Render with the other hash, or lock again from a channel whose repodata states it.",
        )
    head = [
        f"# {lock.path.name}, written by `bootstrap render`; the hash after each URL is {digest}.",
        f"# platform: {platform}",
        f"# input_hash: {lock.content_hash.get(platform, 'unknown')}",
        "@EXPLICIT",
    ]
    return "\n".join([*head, *(f"{r.url}#{getattr(r, digest)}" for r in sorted_by_dependency(records))]) + "\n"


def sorted_by_dependency(records: Sequence[Record]) -> tuple[Record, ...]:
    """The records with every package after what it depends on; by name where that leaves a choice.

    conda installs an explicit file's packages in its order. In a cycle (conda-forge has some: python and pip), the
    first by name goes first.
    """
    by_name = {r.name: r for r in records}
    placed: dict[str, Record] = {}
    for name in sorted(by_name):
        _place(name, by_name, placed)
    return tuple(placed.values())


def _place(root: str, by_name: dict[str, Record], placed: dict[str, Record]) -> None:
    """Places a package's dependencies, then it; with a stack of its own, since chains can be long."""
    entered: set[str] = set()
    stack = [root]
    while stack:
        name = stack[-1]
        if name in placed:
            stack.pop()
            continue
        entered.add(name)
        waiting = [d for d in sorted(by_name[name].depends) if d in by_name and d not in placed and d not in entered]
        if waiting:
            stack.append(waiting[0])
        else:
            placed[name] = by_name[name]
            stack.pop()
