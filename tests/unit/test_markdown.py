"""Text of others as Markdown."""

from __future__ import annotations

from bootstrap.markdown import block, code, marked, prose, row


def test_what_others_wrote_is_no_markdown() -> None:
    assert prose("<img src=x> numpy<2 [a](b) `c` &lt;") == r"\<img src=x> numpy<2 \[a](b) \`c\` \&lt;"
    assert row([code("a|b `c` ``d``"), "|"]) == r"| ``` a\|b `c` ``d`` ``` | \| |"
    assert block(["a", "````"]) == ["`````", "a", "````", "`````"]


def test_what_stands_between_backticks_is_code() -> None:
    assert marked("`pip <x>` and <x> [a]` \n b") == r"`pip <x>` and \<x> \[a]\` b"
