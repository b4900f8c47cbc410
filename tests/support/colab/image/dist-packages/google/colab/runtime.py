"""Giving the machine back."""

from google.colab import errors


def unassign():
    """Would end the machine."""
    raise errors.NotHereError("the stand-in can't be given back to Google")
