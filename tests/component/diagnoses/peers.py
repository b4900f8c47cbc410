"""What people use instead, on the same cases. Each answers ``broken``, ``doubtful`` or ``ok``, as far as it can.

``broken``: it says that numpy would get another version, or go. ``doubtful``: it ends with an error, or speaks of
requirements that aren't met. No peer takes a notebook: each of its commands that ``grep`` finds at the start of a
line (``!pip install``, ``%pip install``) is given to them, one after the other.
"""

from __future__ import annotations

import functools
import http.server
import json
import os
import re
import shlex
import shutil
import subprocess
import sys
import threading
from pathlib import Path
from typing import TYPE_CHECKING

from packaging.requirements import InvalidRequirement, Requirement
from packaging.utils import canonicalize_name, parse_sdist_filename, parse_wheel_filename
from uv import find_uv_bin

from bootstrap.diagnosis.sandbox import sandbox
from bootstrap.diagnosis.target import examine
from tests.support import ROOT
from tests.support.numpy_sets import NUMPY
from tests.support.once import digest, made_once

if TYPE_CHECKING:
    from collections.abc import Callable, Sequence

    from bootstrap.diagnosis.model import Verdict
    from tests.component.diagnoses.cases import Case
    from tests.component.diagnosis.home import Home

TOOLS = ("johnnydep==2.1.1", "pipdeptree==4.2.14")
SECONDS = 120.0
_GREP = re.compile(r"^[!%]pip3? install (.*)$", re.MULTILINE)
_WORST: tuple[Verdict, ...] = ("ok", "doubtful", "broken")


def commands(case: Case, folder: Path) -> list[list[str]]:
    """The words behind ``pip install`` that a person can give to a peer."""
    if not case.cells:
        (folder / "requirements.txt").write_text("\n".join(case.asked) + "\n")
        return [[*case.options, "-r", "requirements.txt"]]
    found = []
    for text in _GREP.findall("\n".join(case.cells)):
        try:
            found.append(shlex.split(text))
        except ValueError:
            found.append(text.split())
    return found


def _run(home: Home, folder: Path, *command: object) -> subprocess.CompletedProcess[str]:
    """Runs a command that sees the tiny index alone."""
    places = {"PIP_NO_INDEX": "1", "PIP_FIND_LINKS": str(home.index), "PIP_DISABLE_PIP_VERSION_CHECK": "1"}
    places["NO_COLOR"] = "1"
    words = [str(word) for word in command]
    try:
        return subprocess.run(
            words,
            cwd=folder,
            capture_output=True,
            text=True,
            check=False,
            timeout=SECONDS,
            env={**os.environ, **places},
        )
    except subprocess.TimeoutExpired:
        return subprocess.CompletedProcess(words, 124, "", "")


def _uv(home: Home, folder: Path, *words: object) -> subprocess.CompletedProcess[str]:
    """Runs ``uv pip``, which takes no index from pip's variables."""
    return _run(home, folder, find_uv_bin(), "pip", *words, "--no-index", "--find-links", home.index)


def pip_dry_run(home: Home, words: Sequence[str], folder: Path) -> Verdict:
    """``pip install --dry-run --report -``."""
    done = _run(home, folder, home.python, "-m", "pip", "install", "--dry-run", "--quiet", "--report", "-", *words)
    if done.returncode:
        return "doubtful"
    planned = {item["metadata"]["name"]: item["metadata"]["version"] for item in json.loads(done.stdout)["install"]}
    return "broken" if planned.get("numpy", NUMPY) != NUMPY else "ok"


def uv_dry_run(home: Home, words: Sequence[str], folder: Path) -> Verdict:
    """``uv pip install --dry-run``."""
    done = _uv(home, folder, "install", "--dry-run", "--python", home.python, *words)
    if done.returncode:
        return "doubtful"
    return "broken" if re.search(rf"^ [+~] numpy==(?!{re.escape(NUMPY)}\b)", done.stderr, re.MULTILINE) else "ok"


def uv_compile(home: Home, words: Sequence[str], folder: Path) -> Verdict:
    """``uv pip compile``: it knows nothing of what is installed."""
    named = [word for word in words if not word.startswith("-") and word != "requirements.txt"]
    source = folder / "requirements.txt" if "requirements.txt" in words else folder / "words.in"
    if named or not source.exists():
        source = folder / "words.in"
        source.write_text("\n".join(named))
    done = _uv(home, folder, "compile", "--python", home.python, source)
    if done.returncode:
        return "doubtful"
    found = re.search(r"^numpy==(\S+)", done.stdout, re.MULTILINE)
    return "broken" if found and found[1] != NUMPY else "ok"


def johnnydep(home: Home, words: Sequence[str], folder: Path) -> Verdict:
    """``johnnydep`` of each requirement: broken where a bound in its tree shuts the installed numpy out."""
    lines = [word for word in words if not word.startswith("-") and word != "requirements.txt"]
    if "requirements.txt" in words:
        lines += [line.partition("#")[0].strip() for line in (folder / "requirements.txt").read_text().splitlines()]
    verdict: Verdict = "ok"
    for line in filter(None, lines):
        given = ["--index-url", _address(home), "--for-python", home.python, "--output-format", "json"]
        done = _run(
            home,
            folder,
            _tools() / "johnnydep",
            *given,
            "--fields",
            "name",
            "specifier",
            "--verbose",
            "0",
            "--",
            line,
        )
        try:
            tree = json.loads(done.stdout) if done.returncode == 0 else None
        except ValueError:
            tree = None
        if tree is None:
            verdict = max(verdict, "doubtful", key=_WORST.index)
        elif any(not _admits(item) for item in tree if canonicalize_name(item["name"].split("[")[0]) == "numpy"):
            verdict = "broken"
    return verdict


def afterwards(home: Home, words: Sequence[str], folder: Path) -> dict[str, Verdict]:
    """``pip check`` and ``pipdeptree --warn fail``, once it is installed."""
    with sandbox(examine(home.python), method="copy") as copy:
        # uv takes a tenth of pip's time, and chooses the same versions on this index.
        if _uv(home, folder, "install", "--quiet", "--python", copy.python, *words).returncode:
            return dict.fromkeys(AFTERWARDS, "doubtful")
        asked = (
            [copy.python, "-m", "pip", "check"],
            [_tools() / "pipdeptree", "--warn", "fail", "--python", copy.python],
        )
        done = [_run(home, folder, *command) for command in asked]
    found: list[Verdict] = [
        "ok" if not d.returncode else "broken" if "numpy" in d.stdout + d.stderr else "doubtful" for d in done
    ]
    return dict(zip(AFTERWARDS, found, strict=True))


def _admits(item: dict[str, str]) -> bool:
    try:
        return Requirement(f"numpy{item.get('specifier') or ''}").specifier.contains(NUMPY)
    except InvalidRequirement:
        return True


def _tools() -> Path:
    """The folder of the peers' programs, made once."""

    def build(folder: Path) -> None:
        subprocess.run([find_uv_bin(), "venv", "--quiet", "--clear", "--python", sys.executable, folder], check=True)
        subprocess.run([find_uv_bin(), "pip", "install", "--quiet", "--python", folder, *TOOLS], check=True)

    return made_once(ROOT / ".cache/diagnosis", "peers", digest(sys.version, *TOOLS), build) / "bin"


def _simple(home: Home) -> Path:
    """The index in the layout of PEP 503, which johnnydep takes."""

    def build(folder: Path) -> None:
        for archive in (*home.index.glob("*.whl"), *home.index.glob("*.tar.gz")):
            parse = parse_wheel_filename if archive.suffix == ".whl" else parse_sdist_filename
            place = folder / parse(archive.name)[0]
            place.mkdir(exist_ok=True)
            shutil.copy(archive, place)
        for place in folder.iterdir():
            links = "".join(f'<a href="{path.name}">{path.name}</a>\n' for path in sorted(place.iterdir()))
            (place / "index.html").write_text(f"<html><body>{links}</body></html>")

    return made_once(ROOT / ".cache/diagnosis", "simple", digest(str(home.index)), build)


class _Quiet(http.server.SimpleHTTPRequestHandler):
    def log_message(self, *_: object) -> None:
        """Says nothing."""


@functools.cache
def _address(home: Home) -> str:
    """Where the index is served until this process ends: johnnydep takes only one with a host."""
    handler = functools.partial(_Quiet, directory=_simple(home))
    server = http.server.ThreadingHTTPServer(("127.0.0.1", 0), handler)
    threading.Thread(target=server.serve_forever, daemon=True).start()
    return f"http://127.0.0.1:{server.server_port}/"


BEFORE: dict[str, Callable[[Home, Sequence[str], Path], Verdict]] = {
    "pip dry run": pip_dry_run,
    "uv dry run": uv_dry_run,
    "uv pip compile": uv_compile,
    "johnnydep": johnnydep,
}
AFTERWARDS = ("pip check, afterwards", "pipdeptree, afterwards")
PEERS = (*BEFORE, *AFTERWARDS)
_KNOWN: dict[tuple[str, ...], dict[str, Verdict]] = {}
"""Answers to commands that name no file."""


def ask(home: Home, case: Case, folder: Path) -> dict[str, Verdict]:
    """Every peer's answer: the worst of its answers to a notebook's commands, ok where it is given none."""
    answers = [_answers(home, tuple(words), folder) for words in commands(case, folder)]
    return {name: max((a[name] for a in answers), key=_WORST.index, default="ok") for name in PEERS}


def _answers(home: Home, words: tuple[str, ...], folder: Path) -> dict[str, Verdict]:
    plain = tuple(word for word in words if word not in ("-q", "--quiet"))
    if plain in _KNOWN:
        return _KNOWN[plain]
    found = {name: peer(home, plain, folder) for name, peer in BEFORE.items()} | afterwards(home, plain, folder)
    if not any(word.startswith(("-", ".", "/")) or "." in word for word in plain):
        _KNOWN[plain] = found
    return found
