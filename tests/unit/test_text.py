"""Text of others is shown, not obeyed, and without secrets."""

from __future__ import annotations

import io
import json

import pytest

from bootstrap.card import Card, Emphasis, Table
from bootstrap.console import JsonProgress, PlainProgress, TerminalProgress, print_json, show, show_error
from bootstrap.errors import BootstrapError
from bootstrap.progress import Step
from bootstrap.text import masked, printable

HOSTILE = "[/bold]a[red]b\x1b]0;title\x07\x1b[31m\r\x9b2J\u202e\udcff:smile: https://me:s3cret@example.org/t/t0ken/x?sig=s1gn#f"
SHOWN = "[/bold]a[red]b\\x1b]0;title\\x07\\x1b[31m\\r\\x9b2J\\u202e\\udcff:smile: https://***@example.org/t/***/x?sig=***#f"


@pytest.mark.parametrize(
    ("text", "wanted"),
    [
        ("https://user:pass@host/c", "https://***@host/c"),
        ("git+ssh://git@github.com/a/b@v1", "git+ssh://***@github.com/a/b@v1"),
        ("https://host/path@1.0/x", "https://host/path@1.0/x"),
        ("see https://a:b@c:1/t/abc/conda-forge, then", "see https://***@c:1/t/***/conda-forge, then"),
        ("https://h/f?X-Amz-Signature=abc&a=b&flag", "https://h/f?X-Amz-Signature=***&a=***&flag"),
        ("'https://h/?token=abc' \"http://u@h\"", "'https://h/?token=***' \"http://***@h\""),
        ("https://h/simple/#sha256=abc", "https://h/simple/#sha256=abc"),
        ("me@example.org, a?b=c", "me@example.org, a?b=c"),
    ],
)
def test_addresses_lose_their_secrets(text: str, wanted: str) -> None:
    assert masked(text) == wanted


def test_text_of_this_world_stays_as_it_is() -> None:
    text = "caf\u00e9 \u4f60\u597d \U0001f40d [bold] <b>\n\ttab"
    assert printable(masked(text)) == text


def written(show_it) -> str:
    stream = io.StringIO()
    show_it(stream)
    assert not {"\x1b", "\x9b", "\r", "\u202e"} & set(stream.getvalue())
    assert "s3cret" not in stream.getvalue()
    return stream.getvalue()


def test_whatever_shows_it_shows_it_so() -> None:
    error = BootstrapError(HOSTILE, evidence=[HOSTILE], hint=HOSTILE)
    assert (error.message, error.evidence, error.hint, str(error)) == (SHOWN, (SHOWN,), SHOWN, SHOWN)
    card = Card(title=HOSTILE, rows=((HOSTILE, HOSTILE),), details=(HOSTILE,), next=HOSTILE, more=HOSTILE)
    assert str(card).count(SHOWN) == 6
    assert "s3cret" not in card._repr_html_()
    table = Table(columns=("a", "b"), rows=((HOSTILE, Emphasis(HOSTILE)),))
    parted = Card(about=HOSTILE, parts=(table, card), notes=(HOSTILE,), foot=HOSTILE)
    for text in (
        str(parted),
        parted._repr_html_(),
        parted.to_markdown(),
        written(lambda stream: show(parted, stream)),
    ):
        assert "s3cret" not in text
        assert not {"\x1b", "\x9b", "\r", "\u202e"} & set(text)
    assert written(lambda stream: show(card, stream)).count(SHOWN) == 6
    assert written(lambda stream: show_error(error, stream)).count(SHOWN) == 3
    assert written(lambda stream: PlainProgress(stream).note(HOSTILE)) == SHOWN + "\n"
    assert "s3cret" not in written(lambda stream: JsonProgress(stream).note(HOSTILE))
    assert written(lambda stream: PlainProgress(stream).step(Step(HOSTILE))) == SHOWN + "\n"


def test_a_bar_shows_it_so(monkeypatch: pytest.MonkeyPatch) -> None:
    stream = io.StringIO()
    bar = TerminalProgress(stream)
    bar.note(HOSTILE)
    bar.step(Step(HOSTILE))
    bar.close()
    assert SHOWN in stream.getvalue().replace("\n", "")
    assert "s3cret" not in stream.getvalue()


def test_json_has_no_secrets(capsys: pytest.CaptureFixture[str]) -> None:
    print_json({"url": HOSTILE, HOSTILE: [HOSTILE, 1, None, (HOSTILE,)]})
    out = capsys.readouterr().out
    assert "s3cret" not in out
    assert "\x1b" not in out
    assert json.loads(out)["url"].startswith("[/bold]a")
