"""Colab's own kernel interface in the environment's process: the packages around the environment's, and a repair.

To be used before anything of IPython or ipykernel is imported. Does nothing to a kernel that has no such packages.
"""

from __future__ import annotations

import importlib
import sys
import tokenize
from contextlib import contextmanager
from pathlib import Path
from typing import TYPE_CHECKING, Any

from bootstrap.runtime.environment_paths import EnvironmentPaths
from bootstrap.runtime.kernel_packages import ABSENT_NAME

if TYPE_CHECKING:
    from collections.abc import Iterator


def put_around() -> None:
    """Has this process import what `kernel_packages` made, around the environment's own packages."""
    layout = EnvironmentPaths(Path(sys.prefix))
    absent = layout.front / ABSENT_NAME
    if absent.is_file() and str(layout.front) not in sys.path:
        sys.path.insert(0, str(layout.front))
        sys.path.append(str(layout.behind))
        with _without(absent.read_text(encoding="utf-8").split()):
            importlib.import_module("IPython.core.completer")
    if sys.version_info >= (3, 12):
        _repair_assignments()


@contextmanager
def _without(names: list[str]) -> Iterator[None]:
    """Nothing finds these modules meanwhile: Colab has no jedi, and IPython completes otherwise where it is."""
    modules = [name.replace("-", "_") for name in names]
    hidden: dict[str, Any] = {name: None for name in modules if name not in sys.modules}
    sys.modules.update(hidden)
    try:
        yield
    finally:
        for name in hidden:
            del sys.modules[name]


def _repair_assignments() -> None:
    """``x = !command``: from 3.12 on Python reads ``!`` as an operator, where IPython before 8.13 expects none."""
    from IPython.core.inputtransformer2 import SystemAssign

    find = SystemAssign.find

    def find_operator(_: type, tokens_by_line: list[list[tokenize.TokenInfo]]) -> Any:
        older = [[_as_before(token) for token in line] for line in tokens_by_line]
        return find(tokens_by_line) or find(older)

    SystemAssign.find = classmethod(find_operator)


def _as_before(token: tokenize.TokenInfo) -> tokenize.TokenInfo:
    return token._replace(type=tokenize.ERRORTOKEN) if token.string == "!" else token
