"""A notebook's commands in their order, on a metadata-only copy that changes with each of them.

A kernel keeps the numpy that it has loaded, whatever happens on disk. So the question is at which cell the two
part, and what one sees first of it.
"""

from __future__ import annotations

import time
from dataclasses import replace
from typing import TYPE_CHECKING

from bootstrap.diagnosis.metadata_env import importable
from bootstrap.diagnosis.notebook import notebook_cells, read_cells
from bootstrap.diagnosis.replay_result import Replay
from bootstrap.diagnosis.replayer import Replayer
from bootstrap.diagnosis.sandbox_install import DEPENDENTS, observe, refuse_freeze
from bootstrap.diagnosis.session import Session, SessionOptions, open_session
from bootstrap.diagnosis.stale_symptoms import first_symptom
from bootstrap.progress import Step

if TYPE_CHECKING:
    from pathlib import Path

    from bootstrap.diagnosis.replay_step import ReplayStep
    from bootstrap.progress import Progress


def replay_notebook(path: Path, asked: SessionOptions, *, install: bool = False, progress: Progress) -> Replay:
    """Replays a notebook's installing cells; see `bootstrap.api.diagnose`.

    Raises:
        DiagnoseError: The notebook or the interpreter can't be used, or no index answers for any command.
    """
    began = time.monotonic()
    if install:
        refuse_freeze(asked.against)
    cells = notebook_cells(path)
    folder = path.absolute().parent
    with open_session(asked, folder=folder, progress=progress) as session:
        events = read_cells(cells, importable(session.metadata_env, folder if asked.against is None else None))
        environment = session.metadata_env.info(session.title)
        player = Replayer(session, folder)
        shown = [e for e in events if e.kind in ("command", "restart", "condacolab")]
        for event in events:
            if event in shown:
                detail = f"{event.where}: {event.text}"
                progress.step(Step("replay", shown.index(event), len(shown), unit="commands", detail=detail))
            player.play(event)
        if player.unreached is not None and not player.answered:
            raise player.unreached
        scenes = tuple(player.scenes)
        if install:
            progress.step(Step("install for real"))
            scenes = _play_for_real(session, player, folder)
    notes = [
        "numpy counts as loaded from the start, as on Colab, where it is loaded before the first cell"
        if environment.numpy
        else "numpy is not installed at the start; it counts as loaded from the first cell that imports it"
    ]
    if not scenes:
        notes.append("no cell installs anything")
    return Replay(str(path), environment, scenes, tuple(notes), time.monotonic() - began)


def _play_for_real(session: Session, player: Replayer, folder: Path) -> tuple[ReplayStep, ...]:
    """The scenes with what really happened: versions in memory and on disk, and what failed to import.

    A restart ends it: the process that had numpy loaded is then another one.
    """
    scenes = list(player.scenes)
    restart = next((i for i, scene in enumerate(scenes) if scene.kind == "restart"), len(scenes))
    commands = [(index, arguments) for index, arguments in player.commands if index < restart]
    if not commands:
        return tuple(scenes)
    named = [r.name for s in scenes if s.finding for r in s.finding.requirements if r.name]
    names = list(dict.fromkeys([*DEPENDENTS, *named]))
    before = ["-c", "pass"]  # what fails before the first command is nobody's fault
    seen = observe(session.target, [before, *(arguments for _, arguments in commands)], names, folder=folder)
    known = set(seen.steps[0].live)
    for (index, _), step in zip(commands, seen.steps[1:], strict=True):
        failed = () if step.installed else tuple(f"the command failed: {line}" for line in step.log[-2:])
        real = (*failed, *(line for line in step.live if line not in known))
        parted = step.memory is not None and step.memory != step.disk
        symptom = first_symptom(step.memory or "", step.disk) if parted and step.disk else ""
        scenes[index] = replace(scenes[index], memory=step.memory, disk=step.disk, real=real, symptom=symptom)
    return tuple(scenes)
