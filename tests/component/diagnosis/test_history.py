"""What a live runtime tells of its past: from a real kernel, and from the traces that installers leave."""

from __future__ import annotations

import json
import subprocess
import sys
import textwrap

from bootstrap.diagnosis import reconstruct_history
from bootstrap.diagnosis.evidence import find_kernel
from bootstrap.diagnosis.sandbox import sandbox
from bootstrap.diagnosis.target import examine
from tests.component.diagnosis.home import Home
from tests.support import ROOT


def test_no_kernel_in_sight(home: Home) -> None:
    found = reconstruct_history(python=home.python)
    assert (found.verdict, found.disk, found.memory) == ("ok", "2.0.2", None)
    assert json.loads(json.dumps(found.to_dict()))["disk"] == "2.0.2"
    assert "numpy 2.0.2" in found.to_markdown()
    assert find_kernel() is None


KERNEL = """
import json, subprocess, sys, types
import numpy
sys.path.insert(0, {root!r})
cells = ["", "import numpy", "!pip install -q alone"]
shell = types.SimpleNamespace(kernel=object(), history_manager=types.SimpleNamespace(input_hist_raw=cells))
sys.modules["IPython"] = types.SimpleNamespace(get_ipython=lambda: shell)
subprocess.run([sys.executable, "-m", "pip", "install", "-q", *{options!r}, "alone"], check=True)
from bootstrap.diagnosis import reconstruct_history
print(json.dumps(reconstruct_history().to_dict()))
"""


def test_the_likely_culprit_of_a_live_process(home: Home) -> None:
    """A process that has numpy loaded, as a kernel has, installs what moves it; the traces say who did it."""
    with sandbox(examine(home.python), method="copy") as copy:
        # rich and yaml come from here, as in a notebook that has bootstrap installed.
        site = next(p for p in sys.path if p.endswith("site-packages"))
        program = textwrap.dedent(KERNEL.format(root=str(ROOT), options=[*home.options]))
        program = program.replace("from bootstrap.diagnosis", f"sys.path.append({site!r})\nfrom bootstrap.diagnosis")
        done = subprocess.run([copy.python, "-c", program], capture_output=True, text=True, check=False)
    assert done.returncode == 0, done.stderr
    found = json.loads(done.stdout)
    assert (found["verdict"], found["memory"], found["disk"]) == ("broken", "2.0.2", "1.26.4")
    seen = [line["text"] for line in found["story"] if not line["likely"]]
    likely = [line["text"] for line in found["story"] if line["likely"]]
    assert any("have been deleted" in line for line in seen)
    assert any("installed by name: alone 1.0" in line for line in seen)
    assert "alone 1.0 caused it: it needs numpy<2.0, which excludes 2.0.2" in likely
    assert "it was cell 2: `!pip install -q alone`" in likely
    assert any("numpy.rec" in line for line in likely)
