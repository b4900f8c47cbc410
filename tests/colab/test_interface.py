"""What IPython 7.34 has lost with newer Pythons works where this distribution starts a kernel."""

from __future__ import annotations

import json
from typing import TYPE_CHECKING

import pytest

from tests.support.colab import ColabRoot, each_version

if TYPE_CHECKING:
    from collections.abc import Iterator

# Runs in the machine's own Python, which has IPython 7.34 where an environment's kernel has it in front.
_PROGRAM = """
import json, sys
from bootstrap.runtime.kernel import interface
interface.put_around()
from IPython.core.inputtransformer2 import TransformerManager
print(json.dumps([TransformerManager().transform_cell(cell) for cell in json.loads(sys.argv[1])]))
"""
CELLS = {
    "x = !ls": "x = get_ipython().getoutput('ls')",
    "x =!ls": "x =get_ipython().getoutput('ls')",
    "a, b = !echo 1": "a, b = get_ipython().getoutput('echo 1')",
    "d['k'] = !ls -l": "d['k'] = get_ipython().getoutput('ls -l')",
    'x = !echo "it\'s" $HOME | grep ?': "x = get_ipython().getoutput('echo \"it\\'s\" $HOME | grep ?')",
    "x = !echo \\\n  more": "x = get_ipython().getoutput('echo    more')",
    "if True:\n    y = !echo `date`": "if True:\n    y = get_ipython().getoutput('echo `date`')",
    "z = 1 != 2": "z = 1 != 2",
    "f(a=1) != 3": "f(a=1) != 3",
    "print(f'{x!r}')": "print(f'{x!r}')",
    "x = %pwd": "x = get_ipython().run_line_magic('pwd', '')",
}


@pytest.fixture(scope="module", params=each_version())
def machine(request: pytest.FixtureRequest) -> Iterator[ColabRoot]:
    """A machine with the distribution installed."""
    with ColabRoot.start(request.param) as made:
        made.run(["pip", "install", "-q", "condacolab-bootstrap"], check=True)
        yield made


def test_commands_are_captured(machine: ColabRoot) -> None:
    done = machine.run(["python3", "-c", _PROGRAM, json.dumps(list(CELLS))], check=True)
    assert dict(zip(CELLS, map(str.rstrip, json.loads(done.stdout)), strict=True)) == CELLS
