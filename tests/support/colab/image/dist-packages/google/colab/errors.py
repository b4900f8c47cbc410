"""Errors that ``google.colab`` raises."""


class Error(Exception):
    """Base of them."""


class NotHereError(Error):
    """The real thing would talk to Google's servers; the stand-in doesn't."""
