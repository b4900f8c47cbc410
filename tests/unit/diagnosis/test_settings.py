"""Where packages come from: pip's settings and a command's options together."""

from __future__ import annotations

from bootstrap.diagnosis.settings import PYPI, combine


def test_settings_come_together() -> None:
    found = combine({"index-url": "https://a/simple/", "find-links": "/w"}, ["-i", "https://b/simple", "-f", "/x"])
    assert (found.index, found.find_links) == ("https://b/simple", ("/w", "/x"))
    assert combine({}, ["--no-index"]).indexes == ()
    assert combine({}, []).index == PYPI
