"""What the checks are made on: a way to build the model, and the token ids that it takes."""

from __future__ import annotations

from contextlib import contextmanager
from dataclasses import dataclass
from typing import TYPE_CHECKING

import torch
from torch import Tensor, nn

from bootstrap.errors import ModelSpecError

if TYPE_CHECKING:
    from collections.abc import Callable, Iterator


def best_device() -> str:
    """``cuda`` where torch has one, else ``cpu``."""
    return "cuda" if torch.cuda.is_available() else "cpu"


@dataclass(frozen=True)
class ModelSpec:
    """A model under examination.

    Args:
        make: Builds a fresh model: any module that takes token ids, an integer tensor of (batch, length), and
            returns logits of (batch, length, vocabulary), alone, first in a tuple, or as ``.logits``.
        vocabulary: How many token ids there are.
        context: The longest sequence that the model takes.
        seed: Where not told otherwise, the seed of weights and tokens.
        device: ``cuda`` where there is one, unless given.

    Raises:
        ModelSpecError: ``make`` isn't a function, or a number is out of range.
    """

    make: Callable[[], nn.Module]
    vocabulary: int
    context: int
    seed: int = 1704
    device: str = ""

    def __post_init__(self) -> None:
        if isinstance(self.make, nn.Module) or not callable(self.make):
            raise ModelSpecError(
                "Pass a function that builds the model, not the model itself.",
                evidence=[f"make is {type(self.make).__name__}: the checks need fresh models from several seeds"],
                hint="Use `ModelSpec(lambda: MyModel(...), ...)`.",
            )
        for name, least in (("vocabulary", 2), ("context", 1)):
            value = getattr(self, name)
            if not isinstance(value, int) or value < least:
                raise ModelSpecError(
                    f"{name} must be a whole number, {least} or more.", evidence=[f"{name}={value!r}"]
                )
        if not self.device:
            object.__setattr__(self, "device", best_device())

    def model(self, seed: int | None = None) -> nn.Module:
        """A fresh model on the device; the same seed gives the same weights.

        Raises:
            ModelSpecError: ``make`` didn't return a module.
        """
        with seeded(self.seed if seed is None else seed):
            built = self.make()
        if not isinstance(built, nn.Module):
            raise ModelSpecError("`make` must return a torch.nn.Module.", evidence=[f"it returned {built!r}"])
        return built.to(self.device)

    def tokens(self, batch: int, length: int, seed: int | None = None) -> Tensor:
        """Random token ids of (batch, length); the same seed gives the same ones on every device."""
        generator = torch.Generator().manual_seed(self.seed if seed is None else seed)
        return torch.randint(self.vocabulary, (batch, length), generator=generator).to(self.device)

    def lengths(self, wanted: tuple[int, ...] | None = None) -> tuple[int, ...]:
        """The lengths to try: those given, else doubled from 1/16 of the context up to all of it.

        Raises:
            ModelSpecError: One is longer than the context, or none is left.
        """
        if wanted is None:
            wanted = tuple(sorted({max(1, self.context >> halved) for halved in range(5)}))
        if not wanted or min(wanted) < 1 or max(wanted) > self.context:
            raise ModelSpecError(
                "Each sequence length must lie between 1 and the model's context.",
                evidence=[f"lengths={wanted}", f"context={self.context}"],
            )
        return wanted

    @property
    def hardware(self) -> str:
        """The device in words."""
        if self.device.startswith("cuda"):
            return str(torch.cuda.get_device_name(self.device))
        threads = torch.get_num_threads()
        return f"CPU, {threads} thread{'s' if threads > 1 else ''}"


def logits_of(answer: object) -> Tensor:
    """The logits in what a model returned: the tensor itself, a tuple's first, or ``.logits``.

    Raises:
        TypeError: It is none of these.
    """
    if isinstance(answer, (tuple, list)) and answer:
        answer = answer[0]
    found = answer if isinstance(answer, Tensor) else getattr(answer, "logits", None)
    if not isinstance(found, Tensor):
        raise TypeError(f"the model returned {type(answer).__name__}, not logits")
    return found


@contextmanager
def seeded(seed: int) -> Iterator[None]:
    """Runs with torch's random state set from a seed, and puts the caller's back afterwards."""
    devices = range(torch.cuda.device_count()) if torch.cuda.is_available() else ()
    with torch.random.fork_rng(devices=list(devices)):
        torch.manual_seed(seed)
        yield
