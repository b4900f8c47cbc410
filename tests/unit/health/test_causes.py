"""The registry of causes: every id that is used is defined, once, and documented."""

from __future__ import annotations

import ast
import re
from pathlib import Path

import pytest

import bootstrap.health  # noqa: F401 - importing it fills the registry
from bootstrap.health.rules.base import KINDS, CauseKind

ROOT = Path(__file__).parents[3]
PROBES = {"float-state"}
"""Names of probes that are ids of causes as well."""


def test_every_cause_has_a_row_in_the_docs() -> None:
    table = (ROOT / "docs" / "check.md").read_text(encoding="utf-8").split("## The causes")[1].split("\nEach has")[0]
    rows = [line.split("|")[1] for line in table.splitlines() if line.startswith("| `")]
    documented = [name for row in rows for name in re.findall(r"`([a-z-]+)`", row)]
    assert sorted(documented) == sorted(KINDS)


def test_an_id_is_written_where_it_is_defined_and_nowhere_else() -> None:
    for path in (*(ROOT / "bootstrap" / "health").rglob("*.py"), ROOT / "bootstrap" / "checkup.py"):
        tree = ast.parse(path.read_text(encoding="utf-8"))
        kinds = [n for n in ast.walk(tree) if isinstance(n, ast.Call) and ast.unparse(n.func) == "CauseKind"]
        defined = [kind.args[0] for kind in kinds]
        written = [n for n in ast.walk(tree) if isinstance(n, ast.Constant) and n.value in KINDS]
        assert [n.value for n in written if n not in defined and n.value not in PROBES] == [], path


def test_an_id_is_defined_once() -> None:
    with pytest.raises(ValueError, match="files-altered is defined twice"):
        CauseKind("files-altered", severity="note")
