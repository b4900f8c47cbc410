"""A small causal transformer in plain torch: the model that the template checks and trains."""

from __future__ import annotations

import math

import torch
from torch import Tensor, nn

from bootstrap.errors import ModelSpecError


class Transformer(nn.Module):
    """Predicts the next token at every position.

    Args:
        vocabulary: How many token ids there are.
        context: The longest sequence, in tokens.
        width: Size of a token's vector; a multiple of ``heads``.
        heads: Attention heads.
        layers: Blocks.
        dropout: Share of activations dropped in training.

    Raises:
        ModelSpecError: The width can't be split among the heads.
    """

    def __init__(
        self,
        *,
        vocabulary: int,
        context: int = 64,
        width: int = 96,
        heads: int = 4,
        layers: int = 2,
        dropout: float = 0.0,
    ) -> None:
        super().__init__()
        if width % heads:
            raise ModelSpecError(
                "The width must be a multiple of the heads.", evidence=[f"width={width}, heads={heads}"]
            )
        self.context = context
        self.embed = nn.Embedding(vocabulary, width)
        self.position = nn.Embedding(context, width)
        layer = nn.TransformerEncoderLayer(
            width, heads, 4 * width, dropout=dropout, activation="gelu", batch_first=True, norm_first=True
        )
        self.body = nn.TransformerEncoder(layer, layers, norm=nn.LayerNorm(width), enable_nested_tensor=False)
        self.head = nn.Linear(width, vocabulary)
        self._initialise(layers)

    def _initialise(self, layers: int) -> None:
        # nn.TransformerEncoder copies its layer, values and all: without this every block would start alike.
        for name, parameter in self.named_parameters():
            if parameter.ndim > 1:
                onto_residual = name.endswith(("out_proj.weight", "linear2.weight"))
                nn.init.normal_(parameter, std=0.02 / math.sqrt(2 * layers) if onto_residual else 0.02)
        nn.init.zeros_(self.head.bias)

    def forward(self, ids: Tensor) -> Tensor:
        """Logits of (batch, length, vocabulary) for token ids of (batch, length)."""
        length = ids.shape[1]
        if length > self.context:
            raise ValueError(f"a sequence of {length} tokens is longer than the context of {self.context}")
        x = self.embed(ids) + self.position(torch.arange(length, device=ids.device))
        mask = nn.Transformer.generate_square_subsequent_mask(length, device=ids.device)
        logits: Tensor = self.head(self.body(x, mask=mask, is_causal=True))
        return logits
