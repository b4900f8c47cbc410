"""A notebook's commands for real, one after the other, in one throw-away copy."""

from __future__ import annotations

from dataclasses import replace
from typing import TYPE_CHECKING

from bootstrap.diagnosis.sandbox_install import DEPENDENTS, observe
from bootstrap.diagnosis.stale_symptoms import first_symptom

if TYPE_CHECKING:
    from pathlib import Path

    from bootstrap.diagnosis.replay_step import ReplayStep
    from bootstrap.diagnosis.replayer import Replayer
    from bootstrap.diagnosis.session import Session


def play_for_real(session: Session, player: Replayer, folder: Path) -> tuple[ReplayStep, ...]:
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
