"""Every error a user can meet, each with its own exit code.

An error says what happened (``message``), on what evidence (``evidence``: file, line, record, path), and
what to do next (``hint``). The command line prints these three and exits with ``exit_code``; the library
raises them. Exit codes 0, 3 and 4 are verdicts (healthy, doubtful, broken), 2 is a usage error.
"""

from __future__ import annotations

from typing import TYPE_CHECKING, Any, ClassVar

from bootstrap.text import shown

if TYPE_CHECKING:
    from collections.abc import Iterable

EXIT_OK = 0
EXIT_INTERNAL = 1
EXIT_USAGE = 2
EXIT_DOUBTFUL = 3
EXIT_BROKEN = 4
EXIT_INTERRUPTED = 130

ERRORS_PAGE = "docs/errors.md"
"""The page with a section for every error."""


class BootstrapError(Exception):
    """What went wrong, the evidence, and what to do next.

    What comes from others is made fit to be shown: control codes in words, addresses without passwords.

    Args:
        message: One sentence: what happened.
        evidence: Facts that show it, one line each.
        hint: What to do next; falls back to the class's own.
    """

    exit_code: ClassVar[int] = EXIT_INTERNAL
    hint: str = ""

    def __init__(self, message: str, *, evidence: Iterable[str] = (), hint: str | None = None) -> None:
        super().__init__(shown(message))
        self.message = shown(message)
        self.evidence = tuple(shown(line) for line in evidence)
        if hint is not None:
            self.hint = shown(hint)

    @classmethod
    def error_id(cls) -> str:
        """The error's stable name, for JSON and for looking it up: the class name in kebab case."""
        name = cls.__name__.removesuffix("Error")
        return "".join(f"-{c.lower()}" if c.isupper() and i else c.lower() for i, c in enumerate(name))

    @property
    def id(self) -> str:
        """The error's stable name."""
        return self.error_id()

    def to_dict(self) -> dict[str, Any]:
        """The error as JSON-ready data."""
        return {
            "error": self.id,
            "exit_code": self.exit_code,
            "message": self.message,
            "evidence": list(self.evidence),
            "hint": self.hint,
            "page": self.page,
        }

    @property
    def page(self) -> str:
        """The section of the documentation about this error: a page's path in the repository, and an anchor."""
        return f"{ERRORS_PAGE}#{self.id}"

    @property
    def more(self) -> str:
        """The command that shows this section wherever the package is installed."""
        return f"bootstrap explain {self.id}"

    def _render_traceback_(self) -> list[str]:
        """What a notebook shows of it when nobody catches it: the same lines as the command line, no traceback."""
        more = [f"  next: {self.hint}"] if self.hint else []
        return [f"error: {self.message}", *(f"  {line}" for line in self.evidence), *more, f"  more: {self.more}"]


def every_error() -> list[type[BootstrapError]]:
    """The errors that have an exit code of their own, in its order."""
    found: set[type[BootstrapError]] = set()
    waiting = [BootstrapError]
    while waiting:
        waiting += (kind := waiting.pop()).__subclasses__()
        if kind is not BootstrapError and "exit_code" in vars(kind):
            found.add(kind)
    return sorted(found, key=lambda kind: kind.exit_code)


def did_you_mean(word: str, known: Iterable[str]) -> str:
    """A question that names the known word most like a given one; empty where none is."""
    from difflib import get_close_matches

    near = get_close_matches(word, list(known), n=1)
    return f"Did you mean `{near[0]}`?" if near else ""


class UsageError(BootstrapError):
    """The command line, or a call, makes no sense: a command, an option, a name or a value that there is not."""

    exit_code = EXIT_USAGE
    hint = "`bootstrap --help` lists the commands, `bootstrap COMMAND --help` a command's options."


# The lock file: 10 to 29


class LockError(BootstrapError):
    """The lock file can't be used."""


class LockNotFoundError(LockError):
    """No lock file there, or not readable."""

    exit_code = 10
    hint = "Give the lock's path with --lock, or run in the folder that holds conda-lock.yml."


class LockSyntaxError(LockError):
    """Not YAML, or not in the shape of a conda-lock file."""

    exit_code = 11
    hint = "Write the lock anew with `bootstrap lock`, or restore the committed file."


class LockVersionError(LockError):
    """The lock's format version is not 1."""

    exit_code = 12
    hint = "Write the lock anew with conda-lock 4 (format version 1)."


class PlatformNotLockedError(LockError):
    """The lock has no records for the platform asked for."""

    exit_code = 13
    hint = "Add the platform to environment.yml and lock again."


class PipEntryError(LockError):
    """The lock holds a package that pip would install."""

    exit_code = 14
    hint = "Take the package from conda-forge instead of a pip: section, and lock again."


class MissingHashError(LockError):
    """A record has no usable sha256."""

    exit_code = 15
    hint = "Lock again from a channel whose repodata states sha256; nothing is downloaded unverified."


class UrlSchemeError(LockError):
    """A record's URL is neither https nor file (nor http on loopback)."""

    exit_code = 16
    hint = "Lock against an https or file channel."


class UrlCredentialsError(LockError):
    """A record's URL carries user info or a token."""

    exit_code = 17
    hint = "Remove the credentials from the channel's URL, change them (they are public now), and lock again."


class ForeignChannelError(LockError):
    """A record's URL lies outside the lock's own channels."""

    exit_code = 18
    hint = "Name the channel in environment.yml and lock again, or restore the committed lock."


class UnsafePathError(LockError):
    """A record's URL or file name climbs out of its channel."""

    exit_code = 19
    hint = "Don't use this lock: its paths leave the channel. Restore the committed file."


class DuplicateRecordError(LockError):
    """Two records for one package name on one platform."""

    exit_code = 20
    hint = "Lock again; a hand-merged lock often has both sides of a conflict."


class DanglingDependencyError(LockError):
    """A record depends on a package that the lock doesn't hold."""

    exit_code = 21
    hint = "Lock again; don't remove records by hand."


class RequiredPackageError(LockError):
    """A package that the environment can't do without is not in the lock."""

    exit_code = 22
    hint = "Add the package to environment.yml and lock again."


class WrongSubdirError(LockError):
    """A record's archive is for another platform."""

    exit_code = 23
    hint = "Lock again for this platform; don't edit URLs by hand."


class RecordMismatchError(LockError):
    """A record's name, version or build is not that of the file it points at."""

    exit_code = 24
    hint = "Lock again; a hand-edited or badly merged lock often has this."


class LockAddressError(LockError):
    """The lock's address is none that a lock is read from, or has a web page instead of a lock."""

    exit_code = 90
    hint = "Give the address of the file itself, https, as it is downloaded; #sha256=HEX may follow."


class LockDigestError(LockError):
    """At the lock's address is another content than its ``#sha256=`` names."""

    exit_code = 91
    hint = "Ask whoever gave you the address: the lock was changed, or the digest is another file's."


class LockNotFetchedError(LockError):
    """The lock at an address couldn't be fetched."""

    exit_code = 92
    hint = "Check the address and the network and try again, or download the file and name that."


class UnsafePackageError(LockError):
    """A package has the locked hash, and what it holds may not be installed: see the evidence."""

    exit_code = 25
    hint = "Lock another build of it, and tell whoever made the package; an environment in place is unchanged."


class PackageConflictError(LockError):
    """Two packages claim one place: a file against a folder, a link that would lead another's files astray."""

    exit_code = 26
    hint = "Choose another build of one of the two in environment.yml and lock again."


# The prefix: 30 to 39


class PrefixError(BootstrapError):
    """The prefix can't be used or changed."""


class NotAnEnvironmentError(PrefixError):
    """The folder is there, isn't empty, and is no conda environment."""

    exit_code = 30
    hint = "Choose another --prefix, or empty this folder yourself; it was left as it is."


class PrefixNotWritableError(PrefixError):
    """The prefix, or the folder it lies in, can't be written."""

    exit_code = 31
    hint = "Choose a --prefix that you may write to."


class DiskSpaceError(PrefixError):
    """Too little room for the environment."""

    exit_code = 32
    hint = "Free some space, or choose another --prefix or --cache; the environment in place is unchanged."


class PrefixBusyError(PrefixError):
    """Another restore is at work on this prefix."""

    exit_code = 33
    hint = "Wait until it ends, then run the command again."


class VerificationError(PrefixError):
    """What was restored doesn't match the lock."""

    exit_code = 34
    hint = "Run the command again; if it recurs, delete the cache folder and report the evidence."


class PrefixNotFoundError(PrefixError):
    """No environment at the prefix."""

    exit_code = 35
    hint = "Make it with `bootstrap restore`, or give the right --prefix."


class PrefixTooLongError(PrefixError):
    """The prefix's path is too long to be written into the packages' binary files."""

    exit_code = 36
    hint = "Choose a shorter --prefix."


class NotOursError(PrefixError):
    """The prefix holds a conda environment that this program did not make."""

    exit_code = 37
    hint = "Choose another --prefix, or pass --adopt to bring that environment to the lock."


class InTheWayError(PrefixError):
    """A file, folder or link in the environment, or a path in its records, would lead a change astray."""

    exit_code = 38
    hint = "Nothing was changed. Move away what the evidence names, and run the command again."


class PrefixPlaceError(PrefixError):
    """No environment can be made or exchanged at this place: a mount point, or a name that files can't hold."""

    exit_code = 39
    hint = "Choose another --prefix; nothing was changed."


# Downloads and archives: 40 to 49


class FetchError(BootstrapError):
    """A package archive could not be had."""


class ArchiveNotFoundError(FetchError):
    """The channel has no such file (HTTP 404 or 410, or no local file)."""

    exit_code = 40
    hint = "The channel no longer serves this file: lock again, or use a mirror that keeps it."


class ServerError(FetchError):
    """The server kept answering with an error."""

    exit_code = 41
    retry_after: float | None = None
    """Seconds that it asks to be left alone for."""
    hint = "The server is at fault: try again later. What was fetched is kept."


class ConnectionFailedError(FetchError):
    """The connection was refused, cut, or stalled."""

    exit_code = 42
    hint = "Check the network, then run the command again. What was fetched is kept."


class HashMismatchError(FetchError):
    """An archive's content is not what the lock says."""

    exit_code = 43
    hint = "Nothing of it was used. A bad mirror or proxy is the usual cause; run again, or lock again."


class ArchiveCorruptError(FetchError):
    """An archive has the locked hash but can't be unpacked as a conda package."""

    exit_code = 44
    hint = "The package itself is faulty: choose another build in environment.yml and lock again."


class OfflineError(FetchError):
    """Offline was asked for and the cache doesn't hold everything."""

    exit_code = 45
    hint = "Run once without --offline to fill the cache."


class AccessRefusedError(FetchError):
    """The server refuses to hand out an archive (HTTP 401, 403, 407 or 451)."""

    exit_code = 120
    hint = "It won't change its mind by itself: use a mirror that serves this file, or lock against another channel."


class RedirectRefusedError(FetchError):
    """The server redirects from https to http, or to another scheme; a redirect from https to https is followed."""

    exit_code = 121
    hint = "Nothing was fetched from there. Use another mirror, and tell the channel's operator."


class SystemRefusedError(BootstrapError):
    """The operating system refused a step: a failing disk, too many open files, no memory left."""

    exit_code = 122
    hint = "See to what the evidence names, then run the same again: it goes on where it stopped."


class EngineError(BootstrapError):
    """The installing engine (py-rattler) ended in a way that has no better name."""

    exit_code = 50
    hint = "Run the command again with -v, and report what it prints; the environment in place is unchanged."


# The runtime and its notebook: 80 to 95


class RuntimeSetupError(BootstrapError):
    """The machine or its notebook couldn't be set up."""


class UnsupportedMachineError(RuntimeSetupError):
    """The locked environment can't run on this machine."""

    exit_code = 80
    hint = "The environment is for Linux on x86-64, as Colab has it; nothing was changed."


class CondacolabFailedError(RuntimeSetupError):
    """condacolab ended before the environment was installed."""

    exit_code = 82
    hint = "Run the cell again. If it recurs, report the evidence; the kernel and its Python are unchanged."


class KernelProofError(RuntimeSetupError):
    """No kernel can start in the environment; a new one was thrown away, and what was in place stays as it was."""

    exit_code = 83
    hint = "The evidence names the cause. This kernel goes on as before; if it recurs with the same lock, lock anew."


class JournalError(RuntimeSetupError):
    """The journal of what was changed on this machine can't be read."""

    exit_code = 84
    hint = "Don't delete it: it is the way back. Report the evidence, or start a new runtime."


class UndoError(RuntimeSetupError):
    """Something that was changed couldn't be put back."""

    exit_code = 85
    hint = "See to what the evidence names, then run `bootstrap undo` again: it goes on where it stopped."


class UnhealthyError(RuntimeSetupError):
    """The environment, or this kernel in it, is not healthy, so the notebook is not ready."""

    exit_code = 87
    hint = "Run `bootstrap check` for all that was found."


class KernelNotLockedError(RuntimeSetupError):
    """The lock lacks what a notebook's kernel needs, so none can run in its environment."""

    exit_code = 89
    hint = "Add these lines to the dependencies in environment.yml and write the lock anew with `bootstrap lock`."


class KernelRestartError(RuntimeSetupError):
    """The kernel can't be moved in place and is restarted now; raised so that queued cells are given up cleanly."""

    exit_code = 86
    hint = "Wait until the page has reconnected, then run the notebook again: it continues in the locked environment."


class KernelStartError(RuntimeSetupError):
    """The kernel that was to take over did not start, so the running one was not moved."""

    exit_code = 88
    hint = "Run the cell again. If it recurs, restart the session and report the evidence."


class InterruptedRestoreError(BootstrapError):
    """The user stopped it."""

    exit_code = EXIT_INTERRUPTED
    hint = "Nothing was changed. Run the command again to go on from what was fetched."


# Repair and guard: 51 to 59


class RepairError(BootstrapError):
    """What a check found could not be repaired."""


class RepairLockMissingError(RepairError):
    """The prefix has to be brought back to its lock: that is gone or has changed, or bootstrap never restored it."""

    exit_code = 51
    hint = "Give the lock with --lock, or bring the prefix to another one with `bootstrap restore --lock FILE`."


class RepairFailedError(RepairError):
    """A step of the repair failed: pip ended with an error, or a file could not be moved."""

    exit_code = 52
    hint = "See to what the evidence says, then run the command again: it begins with what is still wrong."


class GuardError(BootstrapError):
    """The guard could not be switched."""


class GuardNothingLockedError(GuardError):
    """The prefix has no ledger of a restore, and no lock was given: nothing says what is to be guarded."""

    exit_code = 53
    hint = "Restore the prefix with `bootstrap restore`, or give the lock with --lock."


class GuardConfigurationError(GuardError):
    """A configuration file that the guard writes into can't be understood."""

    exit_code = 54
    hint = "Correct the file, or move it away; nothing was changed."


# Refreshing the lock (maintainers): 60 to 79


class MaintainError(BootstrapError):
    """The lock couldn't be refreshed, compared or checked."""


class SpecificationError(MaintainError):
    """environment.yml or a virtual-packages file can't be used."""

    exit_code = 60
    hint = "Correct the file; docs/lock.md says what it may hold."


class CondaLockNotFoundError(MaintainError):
    """No conda-lock to drive."""

    exit_code = 61
    hint = "Install the maintainers' extra: pip install 'condacolab-bootstrap[maintain]'."


class CondaLockVersionError(MaintainError):
    """Another conda-lock than the one that the locks are written with."""

    exit_code = 62
    hint = "Install the maintainers' extra: pip install 'condacolab-bootstrap[maintain]'."


class CondaLockFailedError(MaintainError):
    """conda-lock ended in a way that has no better name."""

    exit_code = 63
    hint = "Read what it printed, above; the committed locks are unchanged. -v shows all of it."


class UnsatisfiableError(MaintainError):
    """No set of packages satisfies the specification."""

    exit_code = 64
    hint = "Widen or drop one of the bounds named above, in environment.yml; the committed locks are unchanged."


class UnknownPackageError(MaintainError):
    """A package that was named is not in the lock, or in no channel."""

    exit_code = 65
    hint = "Check the spelling, as conda-forge writes it; the committed locks are unchanged."


class ChannelNotFoundError(MaintainError):
    """There is no usable channel at that address."""

    exit_code = 66
    hint = "Check the channel's name or URL: it must hold noarch/repodata.json. The committed locks are unchanged."


class ChannelUnreachableError(MaintainError):
    """The channel's server couldn't be reached, or kept failing."""

    exit_code = 67
    hint = "Check the network and try again, or solve from a copy with --repodata; the committed locks are unchanged."


class SolverNotFoundError(MaintainError):
    """The conda, mamba or micromamba asked for isn't there."""

    exit_code = 68
    hint = "Install it, give its path, or leave --conda out: the built-in solver needs none of them."


class LockOutdatedError(MaintainError):
    """The lock was not solved from this specification."""

    exit_code = 69
    hint = "Run `bootstrap lock` and commit what it writes."


class WrongVariantError(MaintainError):
    """A lock holds builds for another accelerator than its name says."""

    exit_code = 70
    hint = "Check the virtual packages that it was solved for, and the bounds on pytorch."


class SpecifiedPackageError(MaintainError):
    """A package of environment.yml is not in the lock, or not within its bound."""

    exit_code = 71
    hint = "Run `bootstrap lock` and commit what it writes."


class ChannelDriftError(MaintainError):
    """The lock's channels are not those of environment.yml."""

    exit_code = 72
    hint = "A lock made with --channel is for tests; run `bootstrap lock` without it before you commit."


class BoundsError(MaintainError):
    """A locked version is outside the bounds of a package that depends on it."""

    exit_code = 73
    hint = "The lock was edited by hand or merged; run `bootstrap lock`."


class SizeBudgetError(MaintainError):
    """The archives of a lock are larger than its budget."""

    exit_code = 74
    hint = "See what grew with `bootstrap diff`; bound it in environment.yml, or raise the budget on purpose."


class LocalPathError(MaintainError):
    """A lock that is to be committed names a folder of the machine that made it."""

    exit_code = 75
    hint = "A lock made with --channel is for tests; run `bootstrap lock` without it before you commit."


class RevisionNotFoundError(MaintainError):
    """Neither a file nor a git revision that holds the lock."""

    exit_code = 76
    hint = "Give two lock files, or two revisions of this repository, e.g. `bootstrap diff HEAD~1 HEAD`."


class LockNotWritableError(MaintainError):
    """The lock, or the folder it lies in, can't be written."""

    exit_code = 77
    hint = "Choose another --output, or see to the folder's permissions."


# The template's checks and training: 96 to 99


class WorkbenchError(BootstrapError):
    """The template's checks or training can't be made."""


class ModelSpecError(WorkbenchError):
    """The model, or what it shall be tried with, makes no sense."""

    exit_code = 96
    hint = "Correct what is named above; docs/first-notebook.md shows a model of one's own."


class CorpusError(WorkbenchError):
    """The text to train on can't be used."""

    exit_code = 97
    hint = "Give a text file, UTF-8, with paragraphs between empty lines; or leave it out for the one shipped."


class CheckpointError(WorkbenchError):
    """A saved model can't be loaded."""

    exit_code = 98
    hint = "Give the file that the training kept, and, for a network of your own, a fresh one of the same shape."


# What requirements would do: 100 to 119


class DiagnoseError(BootstrapError):
    """The question can't be answered. The environment asked about is untouched, as always."""


class RequirementsNotFoundError(DiagnoseError):
    """A requirements file, a file that one refers to, a freeze file or a notebook isn't there or can't be read."""

    exit_code = 100
    hint = "Check the path; a nested -r or -c is relative to the file that holds it."


class RequirementSyntaxError(DiagnoseError):
    """A line of a requirements file that pip would refuse."""

    exit_code = 101
    hint = "Correct the lines named above; pip would stop at them, too."


class NotebookError(DiagnoseError):
    """The file isn't a notebook."""

    exit_code = 102
    hint = "Give a .ipynb file of notebook format 4, as Colab and Jupyter write it."


class InterpreterError(DiagnoseError):
    """The Python asked about isn't there, doesn't run, or has no pip."""

    exit_code = 103
    hint = "Give the right one with --python."


class PipTooOldError(DiagnoseError):
    """The pip of the Python asked about can't resolve without installing."""

    exit_code = 104
    hint = "Bring that pip to 22.3 or later, or ask another Python of the same version with --python and --against."


class FreezeError(DiagnoseError):
    """The file isn't the list of an environment."""

    exit_code = 105
    hint = "Give the output of `pip freeze`: a line NAME==VERSION for each package."


class FreezePythonError(DiagnoseError):
    """The freeze file is of another Python than the one that should stand for it."""

    exit_code = 106
    hint = "Name a Python of the freeze file's version with --python; Colab's was 3.12 until August 2026."


class IndexUnreachableError(DiagnoseError):
    """The package index couldn't be reached, so nothing can be said."""

    exit_code = 107
    hint = "Check the network and the index's address, then ask again."


class OutputExistsError(DiagnoseError):
    """The file that should be written is there already."""

    exit_code = 108
    hint = "Choose another name, or pass --force to replace it."


class OutputNotWritableError(DiagnoseError):
    """The file, or the folder it lies in, can't be written."""

    exit_code = 109
    hint = "Choose a place that you may write to."


class NoPinnedSetError(DiagnoseError):
    """No set of versions fulfils the requirements with the installed numpy."""

    exit_code = 110
    diagnosis: Any = None
    """What was found out all the same (a `bootstrap.diagnosis.Diagnosis`)."""
    hint = "Drop or widen a requirement named above, take the minimal file, or use the locked environment."

    def to_dict(self) -> dict[str, Any]:
        """The error as JSON-ready data, and what was found out."""
        return {**super().to_dict(), "diagnosis": self.diagnosis.to_dict() if self.diagnosis else None}


class ProofSpaceError(DiagnoseError):
    """Too little room for a throw-away copy of the environment."""

    exit_code = 111
    hint = "Set TMPDIR to a folder with room, or ask without --install."


class AsOfError(DiagnoseError):
    """The state of the index on a past day can't be had, or the day can't be read."""

    exit_code = 112
    hint = "Give a day as 2025-11-15; it needs uv, or pip 26 in the Python asked about."


class ResolverNotFoundError(DiagnoseError):
    """The resolver asked for isn't there."""

    exit_code = 113
    hint = "Install uv (pip install uv), or leave --resolver out: pip alone will do."


class ProofError(DiagnoseError):
    """A throw-away copy of the environment couldn't be made or used."""

    exit_code = 114
    hint = "Ask without --install; the evidence says what failed."


class ResolverError(DiagnoseError):
    """A resolver ended in a way that is no answer."""

    exit_code = 115
    hint = "Run the same with --resolver pip and -v, and report what it prints."
