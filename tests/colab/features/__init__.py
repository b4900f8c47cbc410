"""What a Colab user does, asked of a kernel: the answers of two kernels are compared."""

from __future__ import annotations

from .answers import Answer, normal
from .asking import ask

__all__ = ["Answer", "ask", "normal"]
