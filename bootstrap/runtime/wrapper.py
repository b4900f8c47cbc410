"""Which interpreter a kernel is started with: the script at the machine's ``python3``, and the one in the prefix.

A Jupyter server keeps the kernel specification in memory, so only the executable that it names decides what a
restart runs. That executable becomes a script: a kernel's launch goes to the environment, everything else to the
original interpreter, with its arguments and its name (``exec -a``), so that ``sys.executable`` and virtual
environments made with it are what they were. ``bash -p`` reads no start-up files.
"""

from __future__ import annotations

import shlex
import sys
from pathlib import Path
from typing import TYPE_CHECKING

from bootstrap.runtime.journal import write_beside
from bootstrap.runtime.kernel.fallback import ORIGINAL_VARIABLE, REAL_SUFFIX, REASON_VARIABLE

if TYPE_CHECKING:
    from bootstrap.runtime.journal import Journal
    from bootstrap.runtime.layout import Layout

MARK = "# written by condacolab-bootstrap"
KERNEL_MODULES = ("colab_kernel_launcher", "ipykernel_launcher", "ipykernel")

_WRAPPER = """\
#!/bin/bash -p
{mark}
# A notebook's kernel starts in the locked environment; everything else is the original interpreter's.
# `bootstrap undo` puts that back here.
original={original}
entry={entry}
python={python}

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
        if [[ -x $entry ]] && "$python" -I -S -c '' 2>/dev/null; then
          exec "$entry" "$module" "${{rest[@]}}"
        fi
        export {reason}="$python does not run"
        if "$original" -c 'import bootstrap.runtime.kernel.launch' 2>/dev/null; then
          exec -a "$0" "$original" -m bootstrap.runtime.kernel.launch "$module" "${{rest[@]}}"
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
# Starts a notebook's kernel in this environment: {entry} MODULE ARGUMENT...
prefix={prefix}
case ":$PATH:" in *":$prefix/bin:"*) ;; *) export PATH="$prefix/bin:$PATH" ;; esac
export CONDA_PREFIX=$prefix CONDA_DEFAULT_ENV=base CONDA_SHLVL=1 CONDA_EXE="$prefix/bin/conda"
# Only the environment's own packages: what these name was meant for another Python.
unset PYTHONPATH PYTHONHOME
export PYTHONNOUSERSITE=1
# A notebook's user is root on such a machine, and pip's warning about it no help.
export PIP_ROOT_USER_ACTION=${{PIP_ROOT_USER_ACTION:-ignore}}
none={no_libraries}
case ":$LD_LIBRARY_PATH:" in
  *":$none:"*) ;;
  *) export LD_LIBRARY_PATH="${{LD_LIBRARY_PATH:+$LD_LIBRARY_PATH:}}$none" ;;
esac
{original}for script in "$prefix"/etc/conda/activate.d/*.sh; do
  [[ -e $script ]] && . "$script" >/dev/null 2>&1
done
exec "$prefix/bin/python" -P -m bootstrap.runtime.kernel.launch "$@"
"""


def write_entry(layout: Layout, original: Path | None) -> None:
    """Writes the script that starts a kernel in the environment.

    Args:
        layout: The prefix.
        original: The machine's own interpreter, to fall back to; None where kernels are chosen by name.
    """
    layout.no_libraries.mkdir(parents=True, exist_ok=True)
    line = f"export {ORIGINAL_VARIABLE}={shlex.quote(str(original))}\n" if original else ""
    text = _ENTRY.format(
        mark=MARK,
        entry=layout.entry,
        prefix=shlex.quote(str(layout.prefix)),
        no_libraries=shlex.quote(str(layout.no_libraries)),
        original=line,
    )
    write_beside(layout.entry, text, mode=0o755)


def is_wrapper(executable: Path) -> bool:
    """Whether a file is our script."""
    try:
        with executable.open("rb") as file:
            return MARK.encode() in file.read(200)
    except OSError:
        return False


def machine_python() -> Path:
    """The executable that the machine's kernels are started with, whichever Python this is."""
    executable = Path(sys.executable)
    return executable.with_name(executable.name.removesuffix(REAL_SUFFIX))


def original_of(executable: Path) -> Path:
    """The interpreter behind the script at `executable`."""
    return executable.with_name(executable.name + REAL_SUFFIX)


def install(executable: Path, layout: Layout, journal: Journal) -> None:
    """Puts the script at `executable`, and what was there beside it. At every moment one of the two works.

    Does nothing where it is in place already.
    """
    original = original_of(executable)
    text = _WRAPPER.format(
        mark=MARK,
        original=shlex.quote(str(original)),
        entry=shlex.quote(str(layout.entry)),
        python=shlex.quote(str(layout.python)),
        modules=" | ".join(KERNEL_MODULES),
        reason=REASON_VARIABLE,
    )
    if is_wrapper(executable) and executable.read_text(encoding="utf-8") == text:
        return
    journal.keep(original, executable)
    if not is_wrapper(executable):
        # A second name first, so that the original is never missing.
        original.unlink(missing_ok=True)
        if executable.is_symlink():
            original.symlink_to(executable.readlink())
        else:
            original.hardlink_to(executable)
    write_beside(executable, text, mode=0o755)
