"""Requirements and notebooks, each with the verdict that is right and who is to be blamed.

All are asked of the environment and the index of `tests.support.numpy_sets`: numpy 2.0.2 is installed, ``alone``
requires ``numpy<2.0``, ``newer`` a newer one, ``plain`` nothing.
"""

from __future__ import annotations

from dataclasses import dataclass, field
from typing import TYPE_CHECKING

from tests.support.numpy_sets import HARMLESS, MOVING

if TYPE_CHECKING:
    from collections.abc import Mapping

    from bootstrap.diagnosis.model import Verdict


@dataclass(frozen=True)
class Case:
    """Something to be judged."""

    kind: str
    name: str
    verdict: Verdict
    asked: tuple[str, ...] = ()
    """Lines of a requirements file."""
    options: tuple[str, ...] = ()
    """pip's, for that file."""
    cells: tuple[str, ...] = ()
    """A notebook's code cells, instead."""
    blamed: tuple[str, ...] = ()
    """The culprits among the requirements; of a notebook the number of the cell that first moves numpy."""
    files: Mapping[str, str] = field(default_factory=dict)
    """What lies beside them."""

    def __str__(self) -> str:
        return f"{self.kind}: {self.name}".replace(" ", "-")


def file(
    kind: str, name: str, verdict: Verdict, *asked: str, blamed: str = "", options: str = "", **files: str
) -> Case:
    """A case of a requirements file; the files' names have ``_`` for the dot."""
    beside = {key.replace("_", "."): text for key, text in files.items()}
    culprits = tuple(blamed.split(" + ")) if blamed else ()
    return Case(kind, name, verdict, asked, tuple(options.split()), (), culprits, beside)


def notebook(kind: str, name: str, verdict: Verdict, *cells: str, blamed: int = 0, **files: str) -> Case:
    """A case of a notebook."""
    beside = {key.replace("_", "."): text for key, text in files.items()}
    return Case(kind, name, verdict, cells=cells, blamed=(str(blamed),) if blamed else (), files=beside)


BROKEN = "!pip install -q alone"

CASES: tuple[Case, ...] = (
    *(
        Case("requirements that move numpy", m.name, "broken", m.asked, blamed=m.culprits)
        for m in MOVING
        if m.name != "sdist"
    ),
    *(Case("requirements that spare it", " ".join(asked), "ok", asked) for asked in HARMLESS),
    file("requirements that spare it", "marker", "ok", "alone; python_version < '3'", "plain"),
    file("requirements that spare it", "constraint", "ok", "-c c.txt", "left", c_txt="shared<5\nalone<1\n"),
    file("not resolvable", "unknown package", "doubtful", "impossible"),
    file("not resolvable", "conflict", "doubtful", "conflicts", "companion>=2"),
    file("not resolvable", "numpy constrained", "doubtful", "-c c.txt", "alone", c_txt="numpy==2.0.2\n"),
    file("breaks another package", "downgrade", "doubtful", "breaks-another"),
    file("pip's options", "--upgrade numpy", "broken", "numpy", options="--upgrade", blamed="numpy"),
    file(
        "pip's options",
        "eager",
        "broken",
        "stands-on",
        options="--upgrade --upgrade-strategy eager",
        blamed="stands-on",
    ),
    file("pip's options", "--force-reinstall", "broken", "harmless", options="--force-reinstall", blamed="harmless"),
    file("pip's options", "--upgrade of another", "ok", "stands-on", options="--upgrade"),
    file("files that refer to files", "-r", "broken", "-r more.txt", "plain", blamed="alone", more_txt="alone\n"),
    file("files that refer to files", "commented out", "ok", "# alone", "plain  # not alone"),
    file("files that refer to files", "continued", "broken", "alone\\", "  ==1.0", blamed="alone  ==1.0"),
    file("sources", "only a source archive", "doubtful", "from-source", blamed="from-source"),
    file("sources", "a repository", "doubtful", "git+https://example.invalid/x/y.git", "plain"),
    file("sources", "a named repository", "doubtful", "y @ git+https://example.invalid/x/y.git@main"),
    file("sources", "a folder", "doubtful", "-e ./mine", setup_py="raise SystemExit('not here')"),
    # notebooks
    notebook("conditions", "unknown", "doubtful", f"import os\nif os.path.exists('/kaggle/input'):\n    {BROKEN}"),
    notebook("conditions", "switch that is off", "ok", f"USE_OLD = 0\n\nif USE_OLD:\n    {BROKEN}"),
    notebook("conditions", "switch that is on", "broken", "OLD = True", f"if OLD and 1 < 2:\n    {BROKEN}", blamed=2),
    notebook("conditions", "import that works", "ok", f"try:\n    import numpy\nexcept ImportError:\n    {BROKEN}"),
    notebook(
        "conditions",
        "import that fails",
        "broken",
        f"try:\n    import no_such_one\nexcept ImportError:\n    {BROKEN}",
        blamed=1,
    ),
    notebook("conditions", "while", "doubtful", f"while not ready():\n    {BROKEN}"),
    notebook("conditions", "bash", "doubtful", "%%bash\nif command -v nvidia-smi; then\n  pip install alone\nfi"),
    notebook("conditions", "ternary in a shell", "doubtful", "!test -d /content/drive && pip install alone"),
    notebook(
        "conditions", "whatever came before", "broken", "!pip install plain; pip install alone || true", blamed=1
    ),
    notebook(
        "conditions",
        "else",
        "doubtful",
        "import torch_x\nif gpu():\n    !pip install plain\nelse:\n    !pip install newer",
    ),
    notebook("functions", "never called", "ok", f"def setup():\n    {BROKEN}\n"),
    notebook("functions", "called later", "broken", f"def setup(fast=False):\n    {BROKEN}\n", "setup()", blamed=2),
    notebook(
        "functions",
        "with an argument",
        "broken",
        "def get(name):\n    !pip install {name}\n",
        "get('plain')\nget('alone')",
        blamed=2,
    ),
    notebook("text", "docstring", "ok", 'HELP = """\n!pip install alone\n"""\nprint(HELP)'),
    notebook(
        "text", "echo and comments", "ok", "# !pip install alone\n!echo pip install alone\nprint('pip install alone')"
    ),
    notebook("text", "written, not run", "ok", "%%writefile setup.sh\npip install alone"),
    notebook("cells that aren't run", "%%script false", "ok", "%%script echo skipped\npip install alone"),
    notebook("cells that aren't run", "%%markdown", "ok", "%%markdown\n!pip install alone"),
    notebook("variables", "name", "broken", "PKG = 'alone'", "%pip install -q $PKG plain", blamed=2),
    notebook("variables", "joined", "broken", "deps = ['plain', 'alone']\n!pip install {' '.join(deps)}", blamed=1),
    notebook("variables", "%env", "broken", "%env PKG=alone", "!pip install $PKG", blamed=2),
    notebook(
        "variables",
        "f-string",
        "broken",
        "import os\nname, version = 'alone', '1.0'\nos.system(f'pip install {name}=={version}')",
        blamed=1,
    ),
    notebook("variables", "loop", "broken", "for p in ('plain', 'alone'):\n    !pip install -q {p}", blamed=1),
    notebook("variables", "from the user", "doubtful", "PKG = input()\n!pip install {PKG}"),
    notebook(
        "files", "%%writefile", "broken", "%%writefile r.txt\nplain\nalone\n", "!pip install -r r.txt", blamed=2
    ),
    notebook(
        "files",
        "written by Python",
        "broken",
        "with open('r.txt', 'w') as f:\n    f.write('alone\\n')",
        "!pip install -r r.txt",
        blamed=2,
    ),
    notebook(
        "files", "here-document", "broken", "%%bash\ncat > r.txt <<EOF\nalone\nEOF\npip install -r r.txt", blamed=1
    ),
    notebook(
        "files", "overwritten", "ok", "%%writefile r.txt\nalone", "%%writefile r.txt\nplain", "!pip install -r r.txt"
    ),
    notebook("files", "beside the notebook", "broken", "!pip install -qr wanted.txt", blamed=1, wanted_txt="alone\n"),
    notebook("files", "fetched", "doubtful", "!wget -q https://example.invalid/r.txt\n!pip install -r r.txt"),
    notebook(
        "hosts that don't answer",
        "then another",
        "broken",
        "!pip install https://no-host.invalid/x-1.0-py3-none-any.whl",
        BROKEN,
        blamed=2,
    ),
    notebook(
        "hosts that don't answer", "alone", "doubtful", "!pip install https://no-host.invalid/x-1.0-py3-none-any.whl"
    ),
    notebook("other environments", "venv", "ok", "!python -m venv /tmp/v\n!/tmp/v/bin/pip install alone"),
    notebook(
        "other environments", "activated", "ok", "%%bash\npython -m venv v\n. v/bin/activate\npip install alone"
    ),
    notebook("other environments", "uv --python", "ok", "!uv pip install --python /tmp/v/bin/python alone"),
    notebook("other environments", "--target", "ok", "!pip install --target /content/lib alone"),
    notebook(
        "other environments",
        "--target on the path",
        "doubtful",
        "!pip install -t lib alone",
        "import sys\nsys.path.insert(0, 'lib')",
    ),
    notebook("other commands", "download", "ok", "!pip download alone\n!pip wheel alone\n!pip list | grep numpy"),
    notebook("other commands", "dry run", "ok", "!pip install --dry-run alone"),
    notebook(
        "spellings",
        "subprocess",
        "broken",
        "import subprocess, sys\nsubprocess.check_call([sys.executable, '-m', 'pip', 'install', 'alone'])",
        blamed=1,
    ),
    notebook(
        "spellings",
        "renamed",
        "broken",
        "from subprocess import run as r\nr('pip install alone', shell=True)",
        blamed=1,
    ),
    notebook("spellings", "popen", "broken", "import os\nos.popen('pip install alone').read()", blamed=1),
    notebook(
        "spellings", "magic by name", "broken", "get_ipython().run_line_magic('pip', 'install alone')", blamed=1
    ),
    notebook(
        "spellings", "options first", "broken", "!python3 -m pip --quiet --no-cache-dir install alone", blamed=1
    ),
    notebook("spellings", "piped", "broken", "!yes | pip install alone 2>&1 | tail -n 1", blamed=1),
    notebook("spellings", "two bangs", "broken", "out = !pip install alone\n!!pip list", blamed=1),
    notebook("spellings", "%%capture", "broken", "%%capture\n!pip install alone", blamed=1),
    notebook("spellings", "%%time and a title", "broken", "#@title Set up\n%%time\n!pip install alone", blamed=1),
    notebook("spellings", "quote that isn't closed", "broken", "!echo it's time", BROKEN, blamed=2),
    notebook("spellings", "cd in a subshell", "broken", "!(cd /tmp && pip install alone)", blamed=1),
    notebook("spellings", "unquoted bound", "ok", "!pip install numpy>=1.26"),
    notebook("numpy itself", "uninstalled", "broken", "%pip uninstall -y numpy", blamed=1),
    notebook(
        "numpy itself",
        "upgraded in the middle",
        "broken",
        "import numpy as np",
        "!pip install -U numpy",
        "np.ones(3)",
        blamed=2,
    ),
    notebook("numpy itself", "the same version", "ok", "!pip install numpy==2.0.2"),
    notebook(
        "numpy itself",
        "there and back",
        "broken",
        "!pip install numpy==1.26.4",
        "!pip install numpy==2.0.2",
        blamed=1,
    ),
    notebook(
        "conda",
        "condacolab",
        "doubtful",
        "!pip install -q condacolab\nimport condacolab\ncondacolab.install()",
        "!pip install alone",
    ),
    notebook("conda", "its own command", "ok", "%conda install -y numpy=1.26"),
    notebook("only running tells", "repository", "doubtful", "!pip install -q git+https://example.invalid/x/y"),
    notebook(
        "only running tells",
        "setup.py",
        "doubtful",
        "!git clone https://example.invalid/x\n%cd x\n!python setup.py install",
    ),
    notebook(
        "only running tells",
        "script from an address",
        "doubtful",
        "!curl -s https://example.invalid/install.sh | bash",
    ),
    notebook("spellings", "handed to a shell", "broken", "!echo 'pip install alone' | bash", blamed=1),
    notebook(
        "only running tells",
        "unpacked over the packages",
        "doubtful",
        "!tar xf env.tar.gz -C /usr/local/lib/python3.12/dist-packages",
    ),
    notebook(
        "only running tells", "deleted by hand", "doubtful", "!rm -rf /usr/local/lib/python3.12/dist-packages/numpy*"
    ),
    notebook("only running tells", "packages only looked at", "ok", "!ls /usr/local/lib/python3.12/dist-packages"),
    notebook(
        "conditions", "module's version", "doubtful", f"import torch\nif torch.__version__ < '2':\n    {BROKEN}"
    ),
    notebook(
        "conditions", "numpy's version", "doubtful", f"import numpy as np\nif np.__version__ != '1':\n    {BROKEN}"
    ),
    notebook(
        "conditions", "variable of the machine", "doubtful", f"import os\nif 'X' not in os.environ:\n    {BROKEN}"
    ),
    notebook("conditions", "other system", "ok", f"import sys\nif sys.platform == 'win32':\n    {BROKEN}"),
    notebook(
        "conditions",
        "find_spec",
        "broken",
        f"import importlib\nif importlib.util.find_spec('no_such_one') is None:\n    {BROKEN}",
        blamed=1,
    ),
    notebook(
        "conditions",
        "import after an installation",
        "doubtful",
        "!pip install plain",
        f"try:\n    import no_such_one\nexcept:\n    {BROKEN}",
    ),
    notebook("only running tells", "xargs", "doubtful", "!cat list.txt | xargs -n 1 pip install"),
    notebook("cells that are no program", "syntax error", "broken", "def broken(:\n    pass", BROKEN, blamed=2),
    notebook("cells that are no program", "deep sum", "broken", "x = " + " + ".join(["1"] * 3000), BROKEN, blamed=2),
    notebook(
        "restarts",
        "by hand afterwards",
        "broken",
        BROKEN,
        "import os\nos.kill(os.getpid(), 9)",
        "import numpy",
        blamed=1,
    ),
    notebook("restarts", "nothing before it", "ok", "!pip install plain", "get_ipython().kernel.do_shutdown(True)"),
)
"""All of them."""
