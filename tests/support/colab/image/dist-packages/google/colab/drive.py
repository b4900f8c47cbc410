"""Google Drive: needs the user's consent and Google's servers."""

import os

from google.colab import _message, errors

__all__ = ["flush_and_unmount", "mount"]


def mount(mountpoint, force_remount=False, timeout_ms=120000, readonly=False):
    """Asks the page for consent, as the real one does first, and ends there."""
    if " " in mountpoint:
        raise ValueError("Mountpoint must not contain a space.")
    if os.path.isdir(mountpoint) and os.listdir(mountpoint):
        raise ValueError("Mountpoint must not already contain files")
    _message.blocking_request("request_auth", request={"authType": "dfs_ephemeral"}, timeout_sec=timeout_ms / 1000)
    raise errors.NotHereError("the stand-in can't mount Google Drive")


def flush_and_unmount(timeout_ms=24 * 60 * 60 * 1000):
    """Nothing is ever mounted."""
    print("Drive not mounted, so nothing to flush and unmount.")
