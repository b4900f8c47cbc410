"""The contenders' definitions."""

from __future__ import annotations

import pytest

from benchmarks.contenders import CONTENDERS, FLOOR, environment, fill

WORDS = dict.fromkeys(
    (
        *("work", "python", "base", "uv", "lock", "platform", "index", "host", "requirements"),
        *("pack", "condapack", "tarzst"),
    ),
    "WORD",
)


def test_fill_replaces_words_and_spreads_archives() -> None:
    command = ("{python}", "-m", "x", "{work}/tree", "{archives}", "--end")
    filled = fill(command, {"python": "py", "work": "/w"}, ["a.conda", "b.conda"])
    assert filled == ["py", "-m", "x", "/w/tree", "a.conda", "b.conda", "--end"]


def test_fill_refuses_an_unknown_word() -> None:
    with pytest.raises(KeyError, match="nothing"):
        fill(("{nothing}",), {})


@pytest.mark.parametrize("contender", CONTENDERS, ids=lambda contender: contender.name)
def test_every_command_can_be_filled(contender) -> None:
    for scenario in contender.scenarios:
        for command in (scenario.command, scenario.prepare):
            assert not any("{" in word for word in fill(command, WORDS, ["archive"]))


def test_the_floor_is_a_contender() -> None:
    assert FLOOR in {(c.name, s.name) for c in CONTENDERS for s in c.scenarios}


def test_agreeing_repeats_the_warm_command() -> None:
    [ours] = [c for c in CONTENDERS if c.name == "ours"]
    by_name = {scenario.name: scenario.command for scenario in ours.scenarios}
    assert by_name["agreeing"] == by_name["warm"] != by_name["cold"]


def test_environment_drops_installers_settings(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setenv("PIP_FIND_LINKS", "somewhere")
    monkeypatch.setenv("UV_LINK_MODE", "copy")
    monkeypatch.setenv("HTTPS_PROXY", "http://127.0.0.1:9")
    monkeypatch.setenv("UNRELATED", "kept")
    env = environment({"MINE": "1"})
    assert not {"PIP_FIND_LINKS", "UV_LINK_MODE", "HTTPS_PROXY"} & set(env)
    assert (env["UNRELATED"], env["MINE"]) == ("kept", "1")
