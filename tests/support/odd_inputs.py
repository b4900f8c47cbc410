"""Inputs that no reader expects: pieces of what it does expect, put together at random, for hypothesis."""

from __future__ import annotations

import json
from typing import TYPE_CHECKING, Any

from hypothesis import strategies as st

if TYPE_CHECKING:
    from collections.abc import Sequence

_ODD = [
    *('\x00', '\ud800', '\x1b[31m', '\\', "'", '"', '"""', '`', '$(', '${', '{', '}', '[', '](', '#', '\r'),
    *('\t', 'é', '\u202e'),
]  # fmt: skip
_CELL = [
    *('!pip install a', '%pip install -q numpy==1', '!', '%', '%%', '%%bash', '%%writefile r.txt'),
    *('%%script ', '?x', 'pip ', 'import os', 'os.system(', 'subprocess.run([', "f'{x}'", 'x = '),
    *('def f(a, *b, c=1): ', 'class A:\n  def g(self): ', 'return', 'if x:', 'else:', 'elif 1:'),
    *("for p in ['a', 'b']:", 'while True:', 'try:', 'except:', "with open('r', 'w') as f:", 'f.write('),
    *('if [ x ]; then', 'fi', 'do', 'done', 'case x in', ';;', 'esac', '(', ')', '&&', '||', '|', ';', '>'),
    *('<<EOF', 'EOF', 'export A=', '-r r.txt', '-c', '--target', '--python', '-e .', 'git+https://x/y'),
    *('lambda: ', 'match x:', 'case _:', '%s', '.format(', '*', '**', 'get_ipython().', 'system('),
    *('shlex.split(', 'x += x', '[x for x in y]', '1 if 2 else 3', 'global x', 'del x', 'await ', 'yield'),
    *('@f', 'https://u:p@[::1', 'file:///dev/zero', 'numpy', '==', '~=', '\n', '\n', '\n    ', '\n  ', ' '),
    *(' ', '\\\n'),
]  # fmt: skip
_REQUIREMENTS = [
    *('numpy', 'a==1', "a[x]>=1; python_version<'4'", '-r ', '-c ', '-e ', '--hash=sha256:0'),
    *('-i https://x', '--find-links ', '-f', '# coding: ', 'utf-16', 'punycode', 'undefined', 'rot13'),
    *('hex', './x', 'https://u:p@[::1', 'file://', 'a @ ', '${HOME}', '--pre', '\n', '\n', ' ', '\\\n'),
    *(' #', ';', '//', ':', 'r.txt', '..', '/dev/zero', '--', '=', '--no-binary :all:'),
]  # fmt: skip
_YAML = [
    *('channels:', 'dependencies:', 'platforms:', 'name: x', '- ', '[', ']', '{', '}', '&a ', '*a', '<<: '),
    *('!!python/object:os.system ', '2001-99-99', '0x', '1:2:3', '.inf', '~', '|', '>', '? ', ': ', '\n'),
    *('\n', '\n  ', ' ', 'pip:', 'conda-forge', 'numpy >=2', '# [linux]', '!!timestamp ', '!!binary '),
    *('!!int ', '!!float ', 'x', '---', '...', '%YAML 9', 'a: '),
]  # fmt: skip


def _text(pieces: Sequence[str], most: int = 24) -> st.SearchStrategy[str]:
    piece = st.one_of(st.sampled_from(pieces), st.sampled_from(pieces), st.sampled_from(_ODD), st.text(max_size=4))
    return st.lists(piece, max_size=most).map("".join)


CELLS = st.lists(_text(_CELL), min_size=1, max_size=4)
REQUIREMENTS = _text(_REQUIREMENTS).map(lambda text: text.encode("utf-8", "surrogatepass")) | st.binary(max_size=40)
SPECIFICATIONS = _text(_YAML).map(lambda text: text.encode("utf-8", "surrogatepass")) | st.binary(max_size=40)

_VALUES = st.recursive(
    st.none() | st.booleans() | st.integers() | st.floats() | _text(_CELL, 4),
    lambda inner: st.lists(inner, max_size=3) | st.dictionaries(st.sampled_from(["source", "cells", "x"]), inner),
    max_leaves=6,
)
_ODD_CELL = st.fixed_dictionaries(
    {}, optional={"cell_type": st.just("code") | _VALUES, "source": _text(_CELL) | _VALUES, "input": _VALUES}
)


def _document(data: Any) -> bytes:
    return json.dumps(data).encode("utf-8", "surrogatepass")


NOTEBOOKS = st.one_of(
    st.fixed_dictionaries({"cells": st.lists(_ODD_CELL | _VALUES, max_size=3)}).map(_document),
    st.fixed_dictionaries(
        {
            "worksheets": st.lists(
                st.fixed_dictionaries({"cells": _VALUES | st.lists(_ODD_CELL)}) | _VALUES, max_size=2
            )
        }
    ).map(_document),
    _VALUES.map(_document),
    st.binary(max_size=40),
)
