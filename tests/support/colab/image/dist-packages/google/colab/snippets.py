"""The user's own snippets."""

from google.colab import _message

__all__ = ["register"]


def register(url):
    """Has the page offer the snippets of a notebook."""
    _message.blocking_request("register_snippets", {"url": url})
