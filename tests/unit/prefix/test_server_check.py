"""Which redirects are followed."""

from __future__ import annotations

import pytest

from bootstrap.prefix.server_check import _redirect


@pytest.mark.parametrize(
    ("url", "where", "kind"),
    [
        ("https://a/x", "https://b/y", None),
        ("https://a/x", "/y", None),
        ("https://a/x", "http://a/x", "redirect"),
        ("https://a/x", "http://127.0.0.1/x", "redirect"),
        ("http://127.0.0.1/x", "http://127.0.0.1/y", None),
        ("https://a/x", "file:///etc/passwd", "redirect"),
        ("https://a/x", "https://a/x", "server"),
        ("https://a/x", None, "server"),
        ("https://a/x", "https://[::1", "server"),
        ("https://a/x", "https://a:99999/", "server"),
    ],
)
def test_a_redirect(url: str, where: str | None, kind: str | None) -> None:
    found = _redirect(url, where, [url], 302)
    assert (found.kind if found else None) == kind
