"""Signing in with the user's Google account: needs the page and Google's servers."""

import google.auth.credentials
from google.colab import _message, errors

__all__ = ["authenticate_user"]


def authenticate_user(clear_output=True, project_id=None):
    """Asks the page for consent, as the real one does first, and ends there."""
    _message.blocking_request("request_auth", request={"authType": "auth_user_ephemeral"}, timeout_sec=None)
    raise errors.NotHereError(f"the stand-in has no Google account ({google.auth.credentials.__name__} is there)")
