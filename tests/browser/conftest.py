"""The channel and locks that Colab machines restore from, as for the tests without a browser."""

from tests.colab.conftest import material

__all__ = ["material"]
