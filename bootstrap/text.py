"""Text of others (names, addresses, lines of files, servers' words), made fit to be shown.

It may hold control codes, which a terminal would obey, and addresses with passwords and tokens.
"""

from __future__ import annotations

import re
from typing import Any

# Of C0 all but tab and newline; DEL and C1; what turns the direction of writing, or is a line's end to some; what is
# no character at all, such as a byte of a path that is no UTF-8.
_CONTROL = re.compile(
    "[\\x00-\\x08\\x0b-\\x1f\\x7f-\\x9f\\u061c\\u200e\\u200f\\u2028-\\u202e\\u2066-\\u2069\\ud800-\\udfff\\ufeff]"
)
_URL = re.compile(r"[A-Za-z][A-Za-z0-9+.-]*://[^\s\"'<>`]+")
_USER = re.compile(r"(?<=://)[^/?#]*@")
_TOKEN = re.compile(r"(?<=/t/)[^/?#]+")
_VALUE = re.compile(r"(?<=[?&;])([^=&;#]*=)[^&;#]+")
HIDDEN = "***"


def printable(text: str) -> str:
    """The text with its control codes in words: ``\\x1b`` for the one that begins a terminal's sequences."""
    return _CONTROL.sub(lambda code: code[0].encode("unicode_escape").decode(), text)


def masked(text: str) -> str:
    """The text without the user names, passwords and tokens of the addresses in it."""
    return _URL.sub(_mask, text) if "://" in text else text


def _mask(address_match: re.Match[str]) -> str:
    address, hash_, fragment = address_match[0].partition("#")
    address = _USER.sub(f"{HIDDEN}@", address)
    head, question, query = _TOKEN.sub(HIDDEN, address).partition("?")
    return head + _VALUE.sub(rf"\g<1>{HIDDEN}", question + query) + hash_ + fragment


def shown(text: str) -> str:
    """The text as it may be shown to anybody, anywhere."""
    return printable(masked(text))


def without_secrets(data: Any) -> Any:
    """JSON-ready data with every text in it `masked`."""
    if isinstance(data, str):
        return masked(data)
    if isinstance(data, dict):
        return {masked(key) if isinstance(key, str) else key: without_secrets(value) for key, value in data.items()}
    return [without_secrets(item) for item in data] if isinstance(data, (list, tuple)) else data
