"""Models with one fault each, and sound ones, for the checks to find out."""

from __future__ import annotations

import torch
from torch import Tensor, nn

from workbench import ModelSpec, Transformer

VOCABULARY, CONTEXT = 11, 16


def subject(make: type[nn.Module]) -> ModelSpec:
    return ModelSpec(make, vocabulary=VOCABULARY, context=CONTEXT, seed=7)


class Sound(Transformer):
    def __init__(self) -> None:
        super().__init__(vocabulary=VOCABULARY, context=CONTEXT, width=16, heads=2, dropout=0.1)


class Bigram(nn.Module):
    """The least that works: one table."""

    def __init__(self) -> None:
        super().__init__()
        self.table = nn.Embedding(VOCABULARY, VOCABULARY)
        nn.init.normal_(self.table.weight, std=0.1)

    def forward(self, ids: Tensor) -> Tensor:
        return self.table(ids)


class InATuple(Bigram):
    def forward(self, ids: Tensor) -> tuple[Tensor, None]:
        return self.table(ids), None


class Answer:
    def __init__(self, logits: Tensor) -> None:
        self.logits = logits


class AsAnAttribute(Bigram):
    def forward(self, ids: Tensor) -> Answer:
        return Answer(self.table(ids))


class NoLogits(Bigram):
    def forward(self, ids: Tensor) -> str:
        return "logits"


class FailsWhenLong(Bigram):
    def forward(self, ids: Tensor) -> Tensor:
        if ids.shape[1] > 8:
            raise RuntimeError("the size of tensor a (16) must match the size of tensor b (8)")
        return self.table(ids)


class WrongShape(Bigram):
    def forward(self, ids: Tensor) -> Tensor:
        return self.table(ids)[:, -1]


class NotFinite(Bigram):
    def forward(self, ids: Tensor) -> Tensor:
        return self.table(ids) / 0.0


class RowsLeak(Bigram):
    def forward(self, ids: Tensor) -> Tensor:
        logits = self.table(ids)
        return logits - logits.mean(dim=0, keepdim=True) * (len(ids) > 1)


class Unused(Bigram):
    def __init__(self) -> None:
        super().__init__()
        self.forgotten = nn.Linear(3, 3)


class CutOff(Bigram):
    """A layer whose output is multiplied by nothing."""

    def __init__(self) -> None:
        super().__init__()
        self.gate = nn.Linear(VOCABULARY, VOCABULARY)

    def forward(self, ids: Tensor) -> Tensor:
        logits = self.table(ids)
        return logits + 0.0 * self.gate(logits)


class Exploding(Bigram):
    def forward(self, ids: Tensor) -> Tensor:
        return (self.table(ids) * 1e6).tanh() + 1e5 * (self.table(ids) - self.table(ids).detach())


class Frozen(Bigram):
    def __init__(self) -> None:
        super().__init__()
        self.requires_grad_(requires_grad=False)


class AlwaysDropping(Bigram):
    def forward(self, ids: Tensor) -> Tensor:
        return nn.functional.dropout(self.table(ids), 0.5, training=True)


class SeesTheFuture(Bigram):
    def forward(self, ids: Tensor) -> Tensor:
        logits = self.table(ids)
        return logits + logits.mean(dim=1, keepdim=True)


class Overconfident(Bigram):
    def __init__(self) -> None:
        super().__init__()
        nn.init.normal_(self.table.weight, std=20)


class Lottery(Bigram):
    """Starts good or bad, as the seed will have it."""

    def __init__(self) -> None:
        super().__init__()
        with torch.no_grad():
            self.table.weight *= 60 * torch.rand(()) ** 4


class Copies(nn.Module):
    """As nn.TransformerEncoder leaves it."""

    def __init__(self) -> None:
        super().__init__()
        self.table = nn.Embedding(VOCABULARY, 16)
        layer = nn.TransformerEncoderLayer(16, 2, 32, batch_first=True)
        self.body = nn.TransformerEncoder(layer, 2, enable_nested_tensor=False)
        self.head = nn.Linear(16, VOCABULARY)

    def forward(self, ids: Tensor) -> Tensor:
        return self.head(self.body(self.table(ids)))


class Zeros(Bigram):
    def __init__(self) -> None:
        super().__init__()
        nn.init.zeros_(self.table.weight)


class StartsNotFinite(Bigram):
    def __init__(self) -> None:
        super().__init__()
        nn.init.constant_(self.table.weight, float("nan"))


class Quadratic(nn.Module):
    """Keeps a matrix of length by length."""

    def __init__(self) -> None:
        super().__init__()
        self.table = nn.Embedding(VOCABULARY, 4)
        self.head = nn.Linear(4, VOCABULARY)

    def forward(self, ids: Tensor) -> Tensor:
        x = self.table(ids)
        scores = (x @ x.transpose(1, 2)).exp()
        for _ in range(20):
            scores = scores.sigmoid()
        return self.head(scores @ x)
