"""The version, which what is sent to servers and written into reports names, too."""

__version__ = "0.1.0"
