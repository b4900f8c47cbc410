"""What makes an environment one in which this machine's kernels run, and the proof that they do."""

from __future__ import annotations

import sys
from concurrent.futures import ThreadPoolExecutor
from dataclasses import dataclass
from pathlib import Path
from typing import TYPE_CHECKING

from bootstrap import profile
from bootstrap.errors import BootstrapError
from bootstrap.prefix.compare import Comparison
from bootstrap.progress import Progress, Step
from bootstrap.runtime import bridge, launchers
from bootstrap.runtime.environment_paths import EnvironmentPaths
from bootstrap.runtime.kernel_check import prove, prove_here
from bootstrap.runtime.validation import require_healthy
from bootstrap.runtime.warm_up import warming_up

if TYPE_CHECKING:
    from collections.abc import Callable
    from contextlib import AbstractContextManager

    from bootstrap.lock import Lock, Record
    from bootstrap.runtime.journal import Journal


@dataclass(frozen=True)
class Hosting:
    """The parts of an environment that a kernel is started with there: additions to a restore.

    They are made and proven where the restore builds the environment, and come into place together with it.
    """

    prefix: Path
    """Where the environment is, or will be."""
    lock: Lock
    records: tuple[Record, ...]
    colab: bool
    journal: Journal
    progress: Progress

    @property
    def inside(self) -> bool:
        """Whether this process runs in the environment. It can't make the parts out of the machine's own then."""
        return Path(sys.prefix).resolve() == self.prefix.resolve()

    @property
    def _original(self) -> Path | None:
        return launchers.original_of(launchers.machine_python(self.journal)) if self.colab else None

    def present(self, prefix: Path) -> bool:
        """Whether an environment has the parts, as they would be made now."""
        layout = EnvironmentPaths(prefix)
        if self.inside:
            return layout.starter.is_file() and layout.entry.is_file()
        return launchers.is_entry(layout, self._original) and bridge.is_current(layout, colab=self.colab)

    def meanwhile(self, stage: Path) -> AbstractContextManager[Callable[[str | None], None]]:
        """Makes ready what the proof needs while packages still come."""
        return warming_up(stage, self.records, colab=self.colab)

    def add(self, stage: Path) -> None:
        """Makes the parts in an environment, and proves it.

        Raises:
            KernelProofError: A kernel can't start there.
            UnhealthyError: Its numpy is broken.
        """
        layout = EnvironmentPaths(stage)
        try:
            self.progress.step(Step("connecting"))
            with profile.span("connect"):
                if self.inside:
                    bridge.connect(layout)
                else:
                    bridge.build(layout, colab=self.colab)
                    launchers.write_entry(layout, self._original)
            # Its files were all proven a moment ago, while it was filled.
            self.prove(stage, Comparison(hashed_all=False), again=False)
        except BootstrapError as error:
            # It is gone when somebody reads this.
            error.evidence = tuple(line.replace(str(stage), str(self.prefix)) for line in error.evidence)
            raise

    def prove(self, place: Path, compared: Comparison, *, again: bool) -> None:
        """Shows that a kernel starts in an environment that has the parts, and that its numpy is healthy.

        Where this process is a kernel of that environment, it is the proof, and the numpy that it has loaded is
        examined, too.

        Args:
            place: The environment.
            compared: As of `require_healthy`.
            again: As of `require_healthy`.

        Raises:
            KernelProofError: No kernel can start there, or numpy is not the locked one of the prefix.
            UnhealthyError: Its numpy is broken, or the one that is loaded is another.
        """
        self.progress.step(Step("proving"))
        live = self.inside and place == self.prefix
        launcher = "colab_kernel_launcher" if self.colab else "ipykernel_launcher"
        # Two processes that wait for imports: side by side they take as long as the longer one.
        with ThreadPoolExecutor(1) as pool:
            proving = None if live else pool.submit(prove, EnvironmentPaths(place), launcher, self.records)
            with profile.span("prove numpy"):
                require_healthy(place, self.lock, live=live, compared=compared, again=again, progress=self.progress)
            if proving:
                proving.result()
        if live:
            prove_here(place, self.records)
