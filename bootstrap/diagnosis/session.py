"""What one question needs: the interpreter, its metadata-only copy, the resolvers, the index."""

from __future__ import annotations

import re
import sys
from concurrent.futures import ThreadPoolExecutor
from contextlib import closing, contextmanager
from dataclasses import dataclass
from datetime import datetime
from pathlib import Path
from typing import TYPE_CHECKING, Any, Literal

from bootstrap.diagnosis.freeze import read_freeze
from bootstrap.diagnosis.impact import ImpactAnalyzer
from bootstrap.diagnosis.index import Index
from bootstrap.diagnosis.metadata_env import MetadataEnvironment
from bootstrap.diagnosis.requirements import RequirementSet, constraint_lines
from bootstrap.diagnosis.resolver import PIP_WITH_DATES, PipResolver, Resolver, UvResolver, find_uv
from bootstrap.diagnosis.settings import combine, pip_settings
from bootstrap.diagnosis.target import Target, examine
from bootstrap.errors import AsOfError
from bootstrap.progress import Step
from bootstrap.scratch import scratch_folder

if TYPE_CHECKING:
    from collections.abc import Iterator, Sequence

    from bootstrap.progress import Progress

ResolverName = Literal["auto", "pip", "uv"]
_DAY = re.compile(r"\d{4}-\d{2}-\d{2}")


@dataclass
class Session:
    """One environment, ready to be asked."""

    target: Target
    metadata_env: MetadataEnvironment
    title: str
    pip: Resolver
    """Has the last word; it is uv where pip can't answer, or isn't to be asked."""
    fast: Resolver
    uv: Path | None
    index: Index
    """For what resolvers don't tell."""
    scratch: Path
    """A folder for temporary files."""

    def analyzer(self, wanted: RequirementSet, options: Sequence[str] = (), *, by_uv: bool = False) -> ImpactAnalyzer:
        """What judges a set of requirements in this environment.

        Args:
            wanted: The requirements, as the interpreter reads them.
            options: pip's options beside those of the set.
            by_uv: A uv command is asked about, so pip has no say.
        """
        return ImpactAnalyzer(
            self.metadata_env,
            pip=self.fast if by_uv else self.pip,
            fast=self.fast,
            constraints=constraint_lines(wanted, build=self.pip.build),
            options=(*wanted.options, *options),
            hashed=wanted.hashed,
        )


@dataclass(frozen=True)
class SessionOptions:
    """Which environment is asked about, and how: the options of `bootstrap.diagnose` that all its questions share."""

    python: Path | str | None = None
    """The interpreter asked about, or the one that stands for the freeze file's; the running one unless given."""
    against: Path | None = None
    """A freeze file, instead of what the interpreter has."""
    resolver: ResolverName = "auto"
    """Who answers; ``auto`` is uv where it is there, confirmed by pip."""
    as_of: str | None = None
    """A day or time, ISO 8601: nothing uploaded later is considered."""
    build: bool = False
    """Whether sources may be built, which runs their code."""


@contextmanager
def open_session(
    asked: SessionOptions, *, folder: Path | None = None, pip_options: Sequence[str] = (), progress: Progress
) -> Iterator[Session]:
    """Looks at an environment and gets everything ready to ask about it.

    Args:
        asked: Which environment, and how.
        folder: Where relative paths in requirements start.
        pip_options: pip's options for every question.
        progress: Receives the states of the work.

    Raises:
        DiagnoseError: The interpreter, the freeze file, the day or the resolver can't be used.
    """
    moment = None if asked.as_of is None else read_moment(asked.as_of)
    progress.step(Step("inspect environment"))
    executable = Path(asked.python or sys.executable).absolute()
    uv = None if asked.resolver == "pip" else find_uv(executable, needed=asked.resolver == "uv")
    with ThreadPoolExecutor(1) as aside:
        # pip takes as long to tell its settings as the interpreter to tell all else.
        told = aside.submit(pip_settings, executable)
        target = examine(executable)
        settings = told.result()
    index = Index(combine(settings, pip_options), target.short_version)
    confirm = asked.resolver != "uv" and (moment is None or target.pip_release >= PIP_WITH_DATES)
    if uv is None and not confirm:
        raise AsOfError(
            "No available resolver supports --as-of.", evidence=[f"{target.python}: pip {target.pip_version}; no uv"]
        )
    dists = target.dists if asked.against is None else tuple(read_freeze(asked.against, target, index, progress))
    with scratch_folder() as scratch, closing(MetadataEnvironment(target, dists, scratch)) as metadata_env:
        common: dict[str, Any] = {"metadata_env": metadata_env, "index": index, "folder": folder or Path.cwd()}
        common |= {"as_of": moment, "build": asked.build}
        pip = PipResolver(**common)
        fast: Resolver = pip if uv is None else UvResolver(uv=uv, **common)
        title = str(asked.against) if asked.against is not None else str(target.python)
        yield Session(target, metadata_env, title, pip if confirm else fast, fast, uv, index, scratch)


def read_moment(text: str) -> str:
    """A day or time as resolvers read it; a day means its end.

    Raises:
        AsOfError: It is neither.
    """
    try:
        if _DAY.fullmatch(text):
            datetime.fromisoformat(text)
            return f"{text}T23:59:59Z"
        moment = datetime.fromisoformat(text.replace("Z", "+00:00"))
    except ValueError as error:
        raise AsOfError("Invalid date: write it as YYYY-MM-DD.", evidence=[f"{text}: {error}"]) from error
    return moment.isoformat() if moment.tzinfo else f"{moment.isoformat()}+00:00"
