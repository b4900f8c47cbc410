"""Every error that a user can see, each with its own exit code.

An error says what happened (``message``), what shows it (``evidence``: file, line, record, path), and what to
do next (``hint``). The command line prints these three and exits with ``exit_code``; the library
raises them. Exit codes 0, 3 and 4 are verdicts (ok, doubtful, broken), 2 is a usage error.
"""

from __future__ import annotations

from dataclasses import replace
from typing import TYPE_CHECKING, Any, ClassVar

from bootstrap.card import EXIT_CODES, Card
from bootstrap.hints import as_python, in_cell
from bootstrap.text import shown

if TYPE_CHECKING:
    from collections.abc import Iterable

EXIT_OK = EXIT_CODES["ok"]
EXIT_INTERNAL = 1
EXIT_USAGE = 2
EXIT_DOUBTFUL = EXIT_CODES["doubtful"]
EXIT_BROKEN = EXIT_CODES["broken"]
EXIT_INTERRUPTED = 130

ERRORS_PAGE = "docs/errors.md"
"""The page with a section for every error."""

_kinds: dict[int, type[BootstrapError]] = {}


class BootstrapError(Exception):
    """What went wrong, the evidence, and what to do next.

    Text from elsewhere is made safe to show: control codes are spelled out, passwords in URLs are masked.

    Args:
        message: One sentence: what happened.
        evidence: Facts that show it, one line each.
        hint: What to do next; the class's own by default.
    """

    exit_code: ClassVar[int] = EXIT_INTERNAL
    hint: str = ""

    def __init_subclass__(cls, *, exit_code: int | None = None) -> None:
        if exit_code is not None:
            cls.exit_code = exit_code
            _kinds[exit_code] = cls

    def __init__(self, message: str, *, evidence: Iterable[str] = (), hint: str | None = None) -> None:
        super().__init__(shown(message))
        self.message = shown(message)
        self.evidence = tuple(shown(line) for line in evidence)
        if hint is not None:
            self.hint = shown(hint)

    @classmethod
    def error_id(cls) -> str:
        """The error's stable name, used in JSON and by ``bootstrap explain``: the class name in kebab case."""
        name = cls.__name__.removesuffix("Error")
        return "".join(f"-{c.lower()}" if c.isupper() and i else c.lower() for i, c in enumerate(name))

    @property
    def id(self) -> str:
        """The error's stable name."""
        return self.error_id()

    @property
    def card(self) -> Card:
        """What happened, the evidence, what to do next, where to read on."""
        return Card(
            title=self.message,
            verdict="broken",
            word="error",
            details=self.evidence,
            next=self.hint,
            more=self.more,
        )

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
        """This error's section of the documentation: the page's path in the repository, and an anchor."""
        return f"{ERRORS_PAGE}#{self.id}"

    @property
    def more(self) -> str:
        """The command that shows this section offline."""
        return f"bootstrap explain {self.id}"

    def _render_traceback_(self) -> list[str]:
        """What a notebook shows for an uncaught error: the command line's output, hints as Python, no traceback."""
        return str(replace(self.card, next=in_cell(self.hint), more=as_python(self.more))).splitlines()


def every_error() -> list[type[BootstrapError]]:
    """All errors with an exit code of their own, sorted by it."""
    return [_kinds[code] for code in sorted(_kinds)]


def did_you_mean(word: str, known: Iterable[str]) -> str:
    """Asks whether the known word closest to the given one was meant; empty if none is close."""
    from difflib import get_close_matches

    near = get_close_matches(word, list(known), n=1)
    return f"Did you mean `{near[0]}`?" if near else ""


class UsageError(BootstrapError, exit_code=EXIT_USAGE):
    """Unknown command, option, name or value, on the command line or in a call."""

    hint = "Run `bootstrap --help` for the commands, `bootstrap COMMAND --help` for a command's options."


# The lock file: 10 to 29


class LockError(BootstrapError):
    """The lock file can't be used."""


class LockNotFoundError(LockError, exit_code=10):
    """The lock file is missing or unreadable."""

    hint = "Pass the lock's path with `--lock FILE`, or run this in the folder that contains conda-lock.yml."


class LockSyntaxError(LockError, exit_code=11):
    """The file isn't valid YAML, or isn't a conda-lock file."""

    hint = "Regenerate the lock with `bootstrap lock`, or restore the committed file."


class LockVersionError(LockError, exit_code=12):
    """The lock's format version is not 1."""

    hint = "Regenerate the lock with conda-lock 4 (format version 1)."


class PlatformNotLockedError(LockError, exit_code=13):
    """The lock has no records for the requested platform."""

    hint = "Add the platform to environment.yml and lock again."


class PipEntryError(LockError, exit_code=14):
    """The lock holds a package that pip would install."""

    hint = "Move the package from the pip: section to conda-forge, and lock again."


class MissingHashError(LockError, exit_code=15):
    """A record has no usable sha256."""

    hint = "Lock again against a channel whose repodata has sha256; nothing is downloaded unverified."


class UrlSchemeError(LockError, exit_code=16):
    """A record's URL is not https, file, or http on loopback."""

    hint = "Lock against an https or file channel."


class UrlCredentialsError(LockError, exit_code=17):
    """A record's URL contains a user name, password or token."""

    hint = "Remove the credentials from the channel's URL, revoke them (treat them as public), and lock again."


class ForeignChannelError(LockError, exit_code=18):
    """A record's URL is outside the lock's own channels."""

    hint = "Add the channel to environment.yml and lock again, or restore the committed lock."


class UnsafePathError(LockError, exit_code=19):
    """A record's URL or file name points outside its channel."""

    hint = "Don't use this lock: its paths leave the channel. Restore the committed file."


class DuplicateRecordError(LockError, exit_code=20):
    """The lock has two records for one package on one platform."""

    hint = "Lock again; a hand-merged lock often keeps both sides of a conflict."


class DanglingDependencyError(LockError, exit_code=21):
    """A record depends on a package that isn't in the lock."""

    hint = "Lock again; don't remove records by hand."


class RequiredPackageError(LockError, exit_code=22):
    """A required package is not in the lock."""

    hint = "Add the package to environment.yml and lock again."


class WrongSubdirError(LockError, exit_code=23):
    """A record's archive is for another platform."""

    hint = "Lock again for this platform; don't edit URLs by hand."


class RecordMismatchError(LockError, exit_code=24):
    """A record's name, version or build doesn't match the file that it points to."""

    hint = "Lock again; this is common in locks edited or merged by hand."


class LockAddressError(LockError, exit_code=90):
    """The lock's URL is malformed or not allowed, or serves a web page instead of a lock."""

    hint = "Give the https URL of the raw file; `#sha256=HEX` may follow it."


class LockDigestError(LockError, exit_code=91):
    """The lock downloaded from a URL doesn't match its ``#sha256=``."""

    hint = "Ask whoever gave you the URL: the lock has changed, or the digest belongs to another file."


class LockNotFetchedError(LockError, exit_code=92):
    """The lock couldn't be downloaded."""

    hint = "Check the URL and the network and try again, or download the file and pass its path."


class UnsafePackageError(LockError, exit_code=25):
    """A package has the locked hash, but its contents are unsafe to install."""

    hint = "Lock another build of it, and report this one to its maintainer. The existing environment is unchanged."


class PackageConflictError(LockError, exit_code=26):
    """Two packages conflict: one's file is the other's folder, or one's link would redirect the other's files."""

    hint = "Choose another build of one of them in environment.yml, and lock again."


# The prefix: 30 to 39


class PrefixError(BootstrapError):
    """The prefix can't be used or changed."""


class NotAnEnvironmentError(PrefixError, exit_code=30):
    """The folder exists, isn't empty, and isn't a conda environment."""

    hint = "Choose another `--prefix`, or empty this folder yourself; nothing in it was changed."


class PrefixNotWritableError(PrefixError, exit_code=31):
    """The prefix, or its parent folder, isn't writable."""

    hint = "Choose a `--prefix` that you can write to."


class DiskSpaceError(PrefixError, exit_code=32):
    """There isn't enough disk space for the environment."""

    hint = "Free some space, or choose another `--prefix` or `--cache`. The existing environment is unchanged."


class PrefixBusyError(PrefixError, exit_code=33):
    """Another restore is running on this prefix."""

    hint = "Wait for it to finish, then run this again."


class VerificationError(PrefixError, exit_code=34):
    """The restored files don't match the lock."""

    hint = "Run this again. If it recurs, delete the cache folder and report the evidence."


class PrefixNotFoundError(PrefixError, exit_code=35):
    """There is no environment at the prefix."""

    hint = "Create it with `bootstrap restore`, or pass the right `--prefix`."


class PrefixTooLongError(PrefixError, exit_code=36):
    """The prefix's path is too long for the packages' binary files."""

    hint = "Choose a shorter `--prefix`."


class NotOursError(PrefixError, exit_code=37):
    """The prefix is a conda environment that bootstrap didn't create."""

    hint = "Choose another `--prefix`, or pass `--adopt` to make that environment match the lock."


class InTheWayError(PrefixError, exit_code=38):
    """A file, folder, link or recorded path in the environment would redirect a change elsewhere."""

    hint = "Nothing was changed. Move what the evidence lists out of the way, and run this again."


class PrefixPlaceError(PrefixError, exit_code=39):
    """The path can't hold an environment: it is a mount point, or has characters that files can't store."""

    hint = "Choose another `--prefix`; nothing was changed."


# Downloads and archives: 40 to 49


class FetchError(BootstrapError):
    """A package archive couldn't be fetched."""


class ArchiveNotFoundError(FetchError, exit_code=40):
    """The channel doesn't have this file (HTTP 404 or 410, or a missing local file)."""

    hint = "Lock again, or use a mirror that still has the file."


class ServerError(FetchError, exit_code=41):
    """The server kept returning an error."""

    retry_after: float | None = None
    """Seconds to wait, as the server asked."""
    hint = "The problem is on the server: try again later. Finished downloads are kept."


class ConnectionFailedError(FetchError, exit_code=42):
    """The connection was refused, dropped, or stalled."""

    hint = "Check the network, then run this again. Finished downloads are kept."


class HashMismatchError(FetchError, exit_code=43):
    """An archive's sha256 doesn't match the lock."""

    hint = "Run this again, or lock again. A bad mirror or proxy is the usual cause; the archive was not used."


class ArchiveCorruptError(FetchError, exit_code=44):
    """An archive has the locked hash, but isn't a valid conda package."""

    hint = "The package itself is broken: choose another build in environment.yml and lock again."


class OfflineError(FetchError, exit_code=45):
    """Offline mode is on, and the cache lacks some of the packages."""

    hint = "Run once without `--offline` to fill the cache."


class AccessRefusedError(FetchError, exit_code=120):
    """The server refuses access to an archive (HTTP 401, 403, 407 or 451)."""

    hint = "Retrying won't help: use a mirror that serves this file, or lock against another channel."


class RedirectRefusedError(FetchError, exit_code=121):
    """The server redirects from https to http or to another scheme; only redirects to https are followed."""

    hint = "Use another mirror, and tell the channel's operator. Nothing was fetched from there."


class SystemRefusedError(BootstrapError, exit_code=122):
    """The operating system reported an error: a failing disk, too many open files, out of memory."""

    hint = "Fix the problem above, then run this again: it continues where it stopped."


class EngineError(BootstrapError, exit_code=50):
    """The install engine (py-rattler) failed for a reason not covered by another error."""

    hint = "Run this again. If it recurs, report the evidence. The existing environment is unchanged."


# Packs: 200 to 219 (shells show 128 and more for a command that a signal ended, up to 192)


class PackError(BootstrapError):
    """The pack can't be made or used."""


class PackNotFoundError(PackError, exit_code=200):
    """The pack is missing or unreadable."""

    hint = "Pass the pack's path or https URL with `--pack`."


class PackFormatError(PackError, exit_code=201):
    """The file isn't a pack, or is one of another format."""

    hint = "Pass a file that `bootstrap pack` of this version wrote; a page that shows it is not the file itself."


class PackTruncatedError(PackError, exit_code=202):
    """The pack is shorter or longer than its index says."""

    hint = "Copy or download the pack again: it isn't whole. Nothing was changed."


class PackAlteredError(PackError, exit_code=203):
    """The pack's content isn't what its index, its lock or its manifest says."""

    hint = "Don't use this file: get the pack again, or have it made again. Nothing was changed."


class PackUnsafeError(PackError, exit_code=204):
    """The pack's index has names, sizes or numbers that no pack may have."""

    hint = "Don't use this pack: `bootstrap pack` never writes such an index. Nothing was changed."


class PackPlatformError(PackError, exit_code=205):
    """The pack is for another platform."""

    hint = "Make a pack on a machine of this platform."


class PackLockError(PackError, exit_code=206):
    """The pack holds another lock than the one given."""

    hint = "Omit `--lock` to restore the pack's own lock, or pass the pack that was made from this one."


class PackDigestError(PackError, exit_code=207):
    """The pack doesn't match its ``#sha256=``."""

    hint = "Ask whoever gave you the line: the pack has changed, or the digest belongs to another one."


class PackOversizeError(PackError, exit_code=208):
    """The packages write far more than the pack's index says."""

    hint = "Don't use this pack: its archives are not what it says. Nothing was changed."


class PackNotWritableError(PackError, exit_code=209):
    """The pack can't be written, or a file of that name is there."""

    hint = "Choose another `--output`, or pass `--force` to replace the file."


class PackAddressError(PackError, exit_code=210):
    """The pack's URL is malformed or not allowed."""

    hint = "Give the https URL of the file itself; `#sha256=HEX` may follow it."


class PackNotFetchedError(PackError, exit_code=211):
    """The pack couldn't be downloaded."""

    hint = "Check the URL and the network and try again: unpacked packages are kept."


class PackUnverifiedError(PackError, exit_code=212):
    """The environment isn't what its lock says, so it isn't packed."""

    hint = "Bring it to its lock with `bootstrap restore`, then run this again."


# The runtime and its notebook: 80 to 95


class UnsupportedMachineError(BootstrapError, exit_code=80):
    """The locked environment can't run on this machine."""

    hint = "Use Linux on x86-64, as on Colab. Nothing was changed."


class CondacolabFailedError(BootstrapError, exit_code=82):
    """condacolab ended before the environment was installed."""

    hint = "Run the cell again. If it recurs, report the evidence. The kernel and its Python are unchanged."


class KernelProofError(BootstrapError, exit_code=83):
    """No kernel can start in the new environment, so it was discarded; the existing one is unchanged."""

    hint = "Fix what the evidence shows. If it recurs with the same lock, lock again. This kernel is unaffected."


class JournalError(BootstrapError, exit_code=84):
    """The journal of changes to this machine can't be read."""

    hint = "Don't delete it: undo needs it. Report the evidence, or start a new runtime."


class UndoError(BootstrapError, exit_code=85):
    """A change couldn't be undone."""

    hint = "Fix the problem above, then run `bootstrap undo` again: it continues where it stopped."


class UnhealthyError(BootstrapError, exit_code=87):
    """The environment, or this kernel in it, isn't healthy, so the notebook isn't ready."""

    hint = "Run `bootstrap check` for the full report."


class KernelNotLockedError(BootstrapError, exit_code=89):
    """The lock lacks packages that a notebook's kernel needs."""

    hint = "Add these lines to the dependencies in environment.yml, then run `bootstrap lock`."


class KernelRestartError(BootstrapError, exit_code=86):
    """The kernel can't be moved in place, so it restarts now; raised so that queued cells are cancelled cleanly."""

    hint = "Wait for the page to reconnect, then run the notebook again: it continues in the locked environment."


class KernelStartError(BootstrapError, exit_code=88):
    """The new kernel didn't start, so the running one was not moved."""

    hint = "Run the cell again. If it recurs, restart the session and report the evidence."


class InterruptedRestoreError(BootstrapError, exit_code=EXIT_INTERRUPTED):
    """The command was interrupted."""

    hint = "Run this again: it continues where it stopped."


# Repair and guard: 51 to 59


class RepairError(BootstrapError):
    """What the check found couldn't be repaired."""


class RepairLockMissingError(RepairError, exit_code=51):
    """The repair needs the prefix's lock: it is missing, has changed, or the prefix never had one."""

    hint = "Pass the lock with `--lock FILE`, or switch to another one with `bootstrap restore --lock FILE`."


class RepairFailedError(RepairError, exit_code=52):
    """A step of the repair failed: pip reported an error, or a file couldn't be moved."""

    hint = "Fix the problem above, then run this again: it starts with what is still broken."


class GuardNothingLockedError(BootstrapError, exit_code=53):
    """Nothing says what to guard: the prefix wasn't restored from a lock, and none was given."""

    hint = "Restore the prefix with `bootstrap restore`, or pass the lock with `--lock FILE`."


class GuardConfigurationError(BootstrapError, exit_code=54):
    """A configuration file that the guard edits can't be parsed."""

    hint = "Correct the file, or move it elsewhere; nothing was changed."


# Refreshing the lock (maintainers): 60 to 79


class MaintainError(BootstrapError):
    """The lock couldn't be refreshed, compared or checked."""


class SpecificationError(MaintainError, exit_code=60):
    """environment.yml or a virtual-packages file can't be used."""

    hint = "Correct the file; docs/lock.md describes its format."


class CondaLockNotFoundError(MaintainError, exit_code=61):
    """conda-lock isn't installed."""

    hint = "Install the maintainers' extra: pip install 'condacolab-bootstrap[maintain]'."


class CondaLockVersionError(MaintainError, exit_code=62):
    """This version of conda-lock isn't supported."""

    hint = "Install the maintainers' extra: pip install 'condacolab-bootstrap[maintain]'."


class CondaLockFailedError(MaintainError, exit_code=63):
    """conda-lock failed for a reason not covered by another error."""

    hint = "Read its output above (`-v` shows all of it). The committed locks are unchanged."


class UnsatisfiableError(MaintainError, exit_code=64):
    """No set of packages satisfies the specification."""

    hint = "Widen or drop one of the bounds above in environment.yml. The committed locks are unchanged."


class UnknownPackageError(MaintainError, exit_code=65):
    """A named package isn't in the lock, or isn't in any channel."""

    hint = "Check the package's name on conda-forge. The committed locks are unchanged."


class ChannelNotFoundError(MaintainError, exit_code=66):
    """There is no usable channel at that URL."""

    hint = "Check the channel's name or URL: it must have noarch/repodata.json. The committed locks are unchanged."


class ChannelUnreachableError(MaintainError, exit_code=67):
    """The channel's server couldn't be reached, or kept failing."""

    hint = (
        "Check the network and try again, or solve from a copy with `--repodata`. The committed locks are unchanged."
    )


class SolverNotFoundError(MaintainError, exit_code=68):
    """The requested conda, mamba or micromamba wasn't found."""

    hint = "Install it, give its path, or omit `--conda` to use the built-in solver."


class LockOutdatedError(MaintainError, exit_code=69):
    """The lock wasn't solved from this specification."""

    hint = "Run `bootstrap lock` and commit what it writes."


class WrongVariantError(MaintainError, exit_code=70):
    """The lock has builds for a different accelerator than its name says."""

    hint = "Check the virtual packages that it was solved with, and the bounds on pytorch."


class SpecifiedPackageError(MaintainError, exit_code=71):
    """A package from environment.yml isn't in the lock, or is outside its bounds."""

    hint = "Run `bootstrap lock` and commit what it writes."


class ChannelDriftError(MaintainError, exit_code=72):
    """The lock's channels differ from those in environment.yml."""

    hint = "Run `bootstrap lock` without `--channel` before you commit; locks made with it are for tests."


class BoundsError(MaintainError, exit_code=73):
    """A locked version violates the bounds of a package that depends on it."""

    hint = "Run `bootstrap lock`; the lock was edited or merged by hand."


class SizeBudgetError(MaintainError, exit_code=74):
    """The lock's archives exceed its size budget."""

    hint = "Find what grew with `bootstrap diff`; bound it in environment.yml, or raise the budget deliberately."


class LocalPathError(MaintainError, exit_code=75):
    """The lock refers to a folder on the machine that made it."""

    hint = "Run `bootstrap lock` without `--channel` before you commit; locks made with it are for tests."


class RevisionNotFoundError(MaintainError, exit_code=76):
    """The argument is neither a lock file nor a git revision that contains the lock."""

    hint = "Pass two lock files or two revisions of this repository, e.g. `bootstrap diff HEAD~1 HEAD`."


class LockNotWritableError(MaintainError, exit_code=77):
    """The lock, or its folder, isn't writable."""

    hint = "Choose another `--output`, or fix the folder's permissions."


class SpecificationExistsError(MaintainError, exit_code=78):
    """`lock --init` found a specification where it would write one."""

    hint = "Add packages to that file, or choose another with `--file`."


# The template's checks and training: 96 to 99


class ModelSpecError(BootstrapError, exit_code=96):
    """The model, or a parameter of a check, is invalid."""

    hint = "Correct what is named above; docs/first-notebook.md shows how to use your own model."


class CorpusError(BootstrapError, exit_code=97):
    """The training text can't be used."""

    hint = "Use a UTF-8 text file with paragraphs separated by blank lines, or omit it to use the included one."


class CheckpointError(BootstrapError, exit_code=98):
    """A saved model can't be loaded."""

    hint = "Pass the file that training saved and, for your own network, a fresh one of the same shape."


# Diagnosing: 100 to 119


class DiagnoseError(BootstrapError):
    """The diagnosis failed. The examined environment is unchanged."""


class RequirementsNotFoundError(DiagnoseError, exit_code=100):
    """A requirements file, a file included by one, a freeze file or a notebook is missing or unreadable."""

    hint = "Check the path; a nested -r or -c is relative to the file that contains it."


class RequirementSyntaxError(DiagnoseError, exit_code=101):
    """A requirements file has a line that pip would reject."""

    hint = "Correct the lines above; pip would reject them too."


class NotebookError(DiagnoseError, exit_code=102):
    """The file isn't a notebook."""

    hint = "Pass a .ipynb file in notebook format 4, as written by Colab and Jupyter."


class InterpreterError(DiagnoseError, exit_code=103):
    """The target Python is missing, doesn't run, or has no pip."""

    hint = "Pass the right one with `--python`."


class PipTooOldError(DiagnoseError, exit_code=104):
    """The target Python's pip can't resolve without installing."""

    hint = "Upgrade that pip to 22.3 or later, or use the same Python version with `--python` and `--against`."


class FreezeError(DiagnoseError, exit_code=105):
    """The file isn't the output of ``pip freeze``."""

    hint = "Pass the output of `pip freeze`: a line NAME==VERSION for each package."


class FreezePythonError(DiagnoseError, exit_code=106):
    """The freeze file comes from a different Python version than the target."""

    hint = "Pass a Python of the freeze file's version with `--python`; Colab's was 3.12 until August 2026."


class IndexUnreachableError(DiagnoseError, exit_code=107):
    """The package index couldn't be reached."""

    hint = "Check the network and the index URL, then try again."


class OutputExistsError(DiagnoseError, exit_code=108):
    """The output file already exists."""

    hint = "Choose another name, or pass `--force` to replace it."


class OutputNotWritableError(DiagnoseError, exit_code=109):
    """The output file, or its folder, isn't writable."""

    hint = "Choose a path that you can write to."


class NoPinnedSetError(DiagnoseError, exit_code=110):
    """No set of versions satisfies the requirements with the installed numpy."""

    diagnosis: Any = None
    """The results so far (a `bootstrap.diagnosis.Diagnosis`)."""
    hint = "Drop or widen a requirement above, use the minimal file, or use the locked environment."

    def to_dict(self) -> dict[str, Any]:
        """The error as JSON-ready data, with the results so far."""
        return {**super().to_dict(), "diagnosis": self.diagnosis.to_dict() if self.diagnosis else None}


class ProofSpaceError(DiagnoseError, exit_code=111):
    """There isn't enough disk space for a temporary copy of the environment."""

    hint = "Set TMPDIR to a folder with more space, or omit `--install`."


class AsOfError(DiagnoseError, exit_code=112):
    """The index can't be queried as of that date, or the date is invalid."""

    hint = "Write the date as 2025-11-15; this needs uv, or pip 26 in the target Python."


class ResolverNotFoundError(DiagnoseError, exit_code=113):
    """The requested resolver wasn't found."""

    hint = "Install uv (`pip install uv`), or omit `--resolver`: pip alone is enough."


class ProofError(DiagnoseError, exit_code=114):
    """A temporary copy of the environment couldn't be created or used."""

    hint = "Fix the problem above, or omit `--install`."


class ResolverError(DiagnoseError, exit_code=115):
    """A resolver failed without a usable answer."""

    hint = "Try `--resolver pip`. If that fails too, report the evidence."
