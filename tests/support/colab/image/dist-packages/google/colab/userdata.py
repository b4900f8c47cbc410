"""The user's secrets, which the page keeps."""

import threading

from google.colab import _message, errors

_lock = threading.Lock()


class NotebookAccessError(Exception):
    """The notebook has no access to the secret."""

    def __init__(self, key):
        super().__init__(f"Notebook does not have access to secret {key}")


class SecretNotFoundError(errors.Error):
    """There is no such secret."""

    def __init__(self, key):
        super().__init__(f"Secret {key} does not exist.")


def get(key):
    """Asks the page for a secret."""
    with _lock:
        answer = _message.blocking_request("GetSecret", request={"key": key}, timeout_sec=None)
    if not answer.get("exists", False):
        raise SecretNotFoundError(key)
    if not answer.get("access", False):
        raise NotebookAccessError(key)
    return answer.get("payload", "")
