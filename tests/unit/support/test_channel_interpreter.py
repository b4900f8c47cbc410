from __future__ import annotations

from typing import Any

import pytest

from tests.support.channel.archive import PLACEHOLDER
from tests.support.channel.debian import plain_distutils, plain_site, plain_sysconfig
from tests.support.channel.interpreter import relocate
from tests.support.channel.target import ChannelError


@pytest.mark.parametrize(
    ("prefix", "text", "expected"),
    [
        ("/opt/py", "'prefix': '/opt/py'", "'prefix': 'P'"),
        ("/opt/py", "-I/opt/py/include -L/opt/py/lib", "-IP/include -LP/lib"),
        ("/opt/py", "/opt/pyramid /opt/py-2 /opt/py", "/opt/pyramid /opt/py-2 P"),
        ("/usr", "'INSTALL': '/usr/bin/install -c'", "'INSTALL': '/usr/bin/install -c'"),
        ("/usr", "'BINDIR': '/usr/bin'", "'BINDIR': 'P/bin'"),
        ("/usr", "'LIBDIR': '/usr/lib/x86_64-linux-gnu'", "'LIBDIR': 'P/lib'"),
        ("/usr", "/usr/lib/x86_64-linux-gnu/pkgconfig", "P/lib/pkgconfig"),
        ("/usr", "/usr/lib/x86_64-linux-gnu/libz.so", "/usr/lib/x86_64-linux-gnu/libz.so"),
        ("/usr", "-I/usr/include/python3.11 -I/usr/include/tirpc", "-IP/include/python3.11 -I/usr/include/tirpc"),
        ("/usr", "prefix=/usr\nexec_prefix=/usr", "prefix=P\nexec_prefix=P"),
        ("/usr", "/usr/local/bin /opt/usr ./usr", "/usr/local/bin /opt/usr ./usr"),
        ("/usr/local", "/usr/local/lib /usr/lib", "P/lib /usr/lib"),
    ],
)
def test_only_pythons_own_paths_are_relocated(prefix: str, text: str, expected: str) -> None:
    assert relocate(text, prefix, "P") == expected


def test_the_placeholder_leaves_room_for_long_prefixes() -> None:
    assert len(PLACEHOLDER) == 255
    assert PLACEHOLDER.startswith("/")


@pytest.mark.parametrize("patch", [plain_site, plain_sysconfig, plain_distutils])
def test_an_unknown_debian_is_said(patch: Any) -> None:
    with pytest.raises(ChannelError, match="BOOTSTRAP_CHANNEL_PYTHON"):
        patch("def nothing_of_the_kind(): pass\n")
