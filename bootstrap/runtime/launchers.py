"""Which interpreter a kernel is started with: the script at the machine's ``python3``, and the one in the prefix.

A Jupyter server keeps the kernel specification in memory, so only the executable that it names decides what a
restart runs. That executable becomes a script: a kernel's launch goes to the environment, everything else to the
original interpreter, with its arguments and its name (``exec -a``), so that ``sys.executable`` and virtual
environments made with it are what they were. ``bash -p`` reads no start-up files.
"""

from __future__ import annotations

import os
import shlex
import sys
from pathlib import Path
from typing import TYPE_CHECKING

from bootstrap._util.atomic import write_atomically
from bootstrap.runtime.kernel import start
from bootstrap.runtime.kernel.start import (
    BEFORE_VARIABLE,
    ORIGINAL_SUFFIX,
    ORIGINAL_VARIABLE,
    REASON_VARIABLE,
    TALLY_VARIABLE,
)

if TYPE_CHECKING:
    from bootstrap.runtime.environment_paths import EnvironmentPaths
    from bootstrap.runtime.journal import Journal

MARK = "# written by condacolab-bootstrap"
_CONDACOLABS_SUFFIXES = (".real", ".orig")
"""What condacolab 0.1 and 0.2 append to the name of the interpreter that they put a script in the place of."""
_MOST_UNFINISHED = 2
"""Starts in a row that may come to no end: a user can stop one, and a Jupyter server gives up after five."""
KERNEL_MODULES = ("colab_kernel_launcher", "ipykernel_launcher", "ipykernel")

_WRAPPER = """\
#!/bin/bash -p
{mark}
# A notebook's kernel starts in the locked environment; everything else is the original interpreter's.
# `bootstrap undo` puts that back here.
original={original}
entry={entry}
python={python}
starter={starter}
spare={spare}

module=
for ((i = 1; i <= $#; i++)); do
  case ${{!i}} in
    -m) ((i++)); module=${{!i}}; break ;;
    -X | -W) ((i++)) ;;
    -c | -) break ;;
    -*) ;;
    *) break ;;
  esac
done
case $module in
  {modules})
    rest=("${{@:i + 1}}")
    case " ${{rest[*]}}" in
      *" -f"* | *" --f="* | *connection_file=*)
        reason=
        timeout 20 "$python" -I -c '' </dev/null &>/dev/null || reason="$python does not run"
        for file in "$starter" "$entry"; do [[ -s $file ]] || reason="$file is missing"; done
        [[ $reason || -x $entry ]] || reason="$entry can't be run"
        # One line for every start that has not begun to answer: the interpreter may die of a file that is damaged.
        words="${{rest[*]}}"
        tally=${{spare%/*}}/starts-${{words//[!a-zA-Z0-9-]/_}}
        if [[ $(wc -l 2>/dev/null < "$tally") -ge {most} ]]; then
          reason="two starts in a row came to no end"
          rm -f "$tally"
        fi
        if [[ ! $reason ]]; then
          echo 2>/dev/null >> "$tally" && export {tally}=$tally
          exec "$entry" "$module" "${{rest[@]}}"
        fi
        if [[ -s $spare ]]; then
          export {reason}=$reason
          exec -a "$0" "$original" "$spare" -m "$module" "${{rest[@]}}"
        fi
        ;;
    esac
    ;;
esac
exec -a "$0" "$original" "$@"
"""

_ENTRY = """\
#!/bin/bash -p
{mark}
# Starts a notebook's kernel in this environment: {name} MODULE ARGUMENT...
{original}prefix=${{BASH_SOURCE[0]%/{name}}}
case ":$PATH:" in *":$prefix/bin:"*) ;; *) export PATH="$prefix/bin:$PATH" ;; esac
export CONDA_PREFIX=$prefix CONDA_DEFAULT_ENV=base CONDA_SHLVL=1 CONDA_EXE="$prefix/bin/conda"
# Only the environment's own packages: what these name was meant for another Python.
unset PYTHONPATH PYTHONHOME
export PYTHONNOUSERSITE=1
# A notebook's user is root on such a machine, and pip's warning about it no help.
export PIP_ROOT_USER_ACTION=${{PIP_ROOT_USER_ACTION:-ignore}}
# Nor another conda environment's libraries, which condacolab's wrapper names.
none=$prefix/{none}
libraries=
IFS=: read -ra folders <<< "$LD_LIBRARY_PATH"
for folder in "${{folders[@]}}"; do
  [[ $folder == "$none" || -d ${{folder%/lib}}/conda-meta ]] || libraries+=$folder:
done
export LD_LIBRARY_PATH=$libraries$none
for script in "$prefix"/etc/conda/activate.d/*.sh; do
  [[ -e $script ]] && . "$script" >/dev/null 2>&1
done
exec "$prefix/bin/python" -P "$prefix/{starter}" -m "$@"
"""

_FALL_BACK = """\
export {variable}=${{{variable}-{original}}} {before}=$(env -0 | base64 -w 0)
"""


def write_entry(layout: EnvironmentPaths, original: Path | None) -> None:
    """Writes the script that starts a kernel in the environment, wherever that is moved afterwards.

    Args:
        layout: The prefix.
        original: The machine's own interpreter, to fall back to; None where kernels are chosen by name.
    """
    layout.no_libraries.mkdir(parents=True, exist_ok=True)
    write_atomically(layout.entry, _entry(layout, original), mode=0o755)


def is_entry(layout: EnvironmentPaths, original: Path | None) -> bool:
    """Whether that script is in its place."""
    try:
        return layout.entry.read_text(encoding="utf-8") == _entry(layout, original)
    except (OSError, UnicodeDecodeError):
        return False


def _entry(layout: EnvironmentPaths, original: Path | None) -> str:
    below = layout.prefix
    fall_back = _FALL_BACK.format(
        variable=ORIGINAL_VARIABLE, before=BEFORE_VARIABLE, original=shlex.quote(str(original))
    )
    return _ENTRY.format(
        mark=MARK,
        name=layout.entry.relative_to(below),
        none=layout.no_libraries.relative_to(below),
        starter=layout.starter.relative_to(below),
        original=fall_back if original else "",
    )


def is_wrapper(executable: Path) -> bool:
    """Whether a file is our script."""
    try:
        with executable.open("rb") as file:
            return MARK.encode() in file.read(200)
    except OSError:
        return False


def machine_python(journal: Journal) -> Path:
    """The executable that the machine's kernels are started with, whichever Python this is."""
    noted = Path(journal.facts.get("python", ""))
    if noted.is_file():
        return noted
    executable = Path(sys.executable)
    return executable.with_name(executable.name.removesuffix(_CONDACOLABS_SUFFIXES[0]))


def original_of(executable: Path) -> Path:
    """The interpreter behind the script at `executable`; where that is not there yet, the name that it will get.

    It is a name that nobody has used: what is at `executable` now may itself lead to something else of ours, as
    condacolab's script does that was put in our script's place.
    """
    if is_wrapper(executable):
        line = next(line for line in executable.read_text(encoding="utf-8").splitlines() if line.startswith("orig"))
        return Path(*shlex.split(line.partition("=")[2]))
    names = (f"{executable.name}{ORIGINAL_SUFFIX}{number}" for number in ("", *range(2, 100)))
    return next(path for name in names if not os.path.lexists(path := executable.with_name(name)))


def install(executable: Path, layout: EnvironmentPaths, journal: Journal) -> None:
    """Puts the script at `executable`, and what was there beside it. At every moment one of the two works.

    Does nothing where it is in place already. What condacolab would change there later is kept in the journal, too.
    """
    original = original_of(executable)
    spare = journal.own / Path(start.__file__).name
    text = _WRAPPER.format(
        mark=MARK,
        original=shlex.quote(str(original)),
        entry=shlex.quote(str(layout.entry)),
        python=shlex.quote(str(layout.python)),
        starter=shlex.quote(str(layout.starter)),
        spare=shlex.quote(str(spare)),
        modules=" | ".join(KERNEL_MODULES),
        most=_MOST_UNFINISHED,
        tally=TALLY_VARIABLE,
        reason=REASON_VARIABLE,
    )
    journal.keep(original, executable, *(executable.with_name(executable.name + s) for s in _CONDACOLABS_SUFFIXES))
    write_atomically(spare, Path(start.__file__).read_text(encoding="utf-8"), mode=0o644)
    if is_wrapper(executable):
        if executable.read_text(encoding="utf-8") == text:
            return
    elif executable.is_symlink():
        original.symlink_to(executable.readlink())
    else:
        original.hardlink_to(executable)
    write_atomically(executable, text, mode=0o755)
