"""Asks about requirements: from files and an environment to a diagnosis."""

from __future__ import annotations

import time
from dataclasses import replace
from pathlib import Path
from typing import TYPE_CHECKING

from bootstrap.diagnosis.predict import predict
from bootstrap.diagnosis.remedies import refuse_existing, write_minimal, write_pinned
from bootstrap.diagnosis.requirements import read_file, read_lines, understand
from bootstrap.diagnosis.sandbox_install import prove, refuse_freeze
from bootstrap.diagnosis.session import SessionOptions, open_session
from bootstrap.errors import NoPinnedSetError

if TYPE_CHECKING:
    from collections.abc import Sequence

    from bootstrap.diagnosis.answer import Diagnosis
    from bootstrap.progress import Progress


def analyze_requirements(
    source: Path | Sequence[str],
    asked: SessionOptions,
    *,
    install: bool = False,
    options: Sequence[str] = (),
    minimal: Path | None = None,
    pinned: Path | None = None,
    force: bool = False,
    progress: Progress,
) -> Diagnosis:
    """What requirements would do to an environment; see `bootstrap.api.diagnose`.

    Args:
        source: A requirements file, or a list of requirements.
        asked: Of which environment, and how.
        install: Also install for real, in throw-away copies.
        options: Options of the pip command in question, as ``-U``.
        minimal: Where to write the part that changes nothing.
        pinned: Where to write exact versions.
        force: Whether these files may replace others.
        progress: Receives the states of the work.

    Raises:
        NoPinnedSetError: There are no exact versions to write; what was found out comes with it.
        DiagnoseError: The question can't be answered.
    """
    began = time.monotonic()
    refuse_existing((minimal, pinned), force=force)
    if install:
        refuse_freeze(asked.against)
    wanted = read_file(source) if isinstance(source, Path) else read_lines(source)
    pip_options = (*wanted.options, *options)
    with open_session(asked, pip_options=pip_options, progress=progress) as session:
        wanted = understand(session.target, wanted)
        analyzer = session.analyzer(wanted, options)
        diagnosis = predict(analyzer, wanted, session.title, progress)
        if minimal is not None:
            written = write_minimal(analyzer, wanted, diagnosis, minimal, progress)
            diagnosis = replace(diagnosis, written=(written,))
        if pinned is not None:
            try:
                written = write_pinned(analyzer, wanted, diagnosis, pinned, session.index, progress)
            except NoPinnedSetError as error:
                error.diagnosis = replace(diagnosis, seconds=time.monotonic() - began)
                raise
            diagnosis = replace(diagnosis, written=(*diagnosis.written, written))
        if install:
            diagnosis = replace(diagnosis, trials=prove(analyzer, diagnosis, progress))
        return replace(diagnosis, seconds=time.monotonic() - began)
