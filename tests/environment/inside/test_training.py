"""The text, the training, the search and the checkpoint."""

from __future__ import annotations

import math
from dataclasses import asdict, replace
from pathlib import Path

import pytest
import torch

from bootstrap.errors import CheckpointError, CorpusError, ModelSpecError
from bootstrap.progress import Step
from workbench import (
    Corpus,
    LanguageModel,
    Settings,
    Transformer,
    draw_losses,
    load_corpus,
    quiet,
    reload,
    restyled,
    search,
    train,
)
from workbench.corpus import TEXT

quiet()
SMALL = Settings(learning_rate=5e-3, width=16, heads=2)


class Table(torch.nn.Module):
    def __init__(self, vocabulary: int) -> None:
        super().__init__()
        self.table = torch.nn.Embedding(vocabulary, vocabulary)

    def forward(self, ids: torch.Tensor) -> torch.Tensor:
        return self.table(ids)


@pytest.fixture(scope="module")
def corpus() -> Corpus:
    return load_corpus(context=16, batch=16)


def test_the_shipped_text_becomes_blocks(corpus: Corpus) -> None:
    text = TEXT.read_text(encoding="utf-8")
    assert set(corpus.alphabet) == set(text)
    assert corpus.uniform_loss == math.log(len(corpus.alphabet))
    assert corpus.frequency_loss < corpus.uniform_loss
    block = corpus.train[5]["ids"]
    assert block.dtype == torch.int64
    assert len(block) == 17
    assert corpus.decode(block.tolist()) in text.replace("\n\n", "\n")
    # No validation paragraph was trained on; two paragraphs may share a phrase of 17 characters.
    trained = {tuple(row.tolist()) for row in corpus.train["ids"]}
    held_out = {tuple(row.tolist()) for row in corpus.validation["ids"]}
    assert len(trained & held_out) < 0.02 * len(held_out)


def test_text_and_ids_are_each_others_reverse(corpus: Corpus) -> None:
    words = "Are not the Rays of Light very small Bodies"
    assert corpus.decode(corpus.encode(words)) == words
    with pytest.raises(CorpusError, match="characters that the corpus lacks") as error:
        corpus.encode("Licht überall €")
    assert "'€'" in error.value.evidence[0]


def test_a_text_of_ones_own(tmp_path: Path) -> None:
    path = tmp_path / "own.txt"
    path.write_text(
        "\n\n".join(f"Paragraph {i} says äöü and no more than this." for i in range(40)), encoding="utf-8"
    )
    own = load_corpus(path, context=8, batch=4)
    assert "ä" in own.alphabet
    assert len(own.validation) > 0


@pytest.mark.parametrize(
    ("content", "words"),
    [
        (None, "Can't read"),
        (b"\xff\xfe\x00", "Can't read"),
        (b"", "too short"),
        (b"a\n\nb\n\n" * 9, "too short"),
    ],
)
def test_texts_that_cannot_be_used(tmp_path: Path, content: bytes | None, words: str) -> None:
    path = tmp_path / "text.txt"
    if content is not None:
        path.write_bytes(content)
    with pytest.raises(CorpusError, match=words) as error:
        load_corpus(path)
    assert str(path) in error.value.evidence[0]


class Watch:
    def __init__(self) -> None:
        self.steps: list[Step] = []
        self.closed = 0

    def step(self, step: Step) -> None:
        self.steps.append(step)

    def note(self, message: str) -> None:
        raise AssertionError(message)

    def close(self) -> None:
        self.closed += 1


def test_training_learns_and_its_checkpoint_holds_it(corpus: Corpus, tmp_path: Path) -> None:
    watch = Watch()
    done = train(corpus, SMALL, steps=60, folder=tmp_path, progress=watch)
    assert done.loss < corpus.frequency_loss
    assert [step for step, _ in done.history] == list(range(1, 61))
    assert [step for step, _ in done.validation] == [15, 30, 45, 60]
    assert (watch.steps[-1].done, watch.steps[-1].total, watch.closed) == (60, 60, 1)
    model, metrics = reload(corpus, done.checkpoint)
    assert metrics["val_loss"] == pytest.approx(done.loss, abs=1e-5)
    written = model.generate(corpus.encode("The "), length=30, seed=1)
    assert len(written) == 34
    assert model.generate(corpus.encode("The "), length=30, seed=1) == written
    svg = draw_losses(done, corpus).svg
    assert "guess by frequency" in svg


def test_the_same_seed_gives_the_same_losses(corpus: Corpus) -> None:
    assert train(corpus, SMALL, steps=8).history == train(corpus, SMALL, steps=8).history
    assert train(corpus, SMALL, steps=8, seed=1).history != train(corpus, SMALL, steps=8, seed=2).history


def test_nothing_is_left_where_no_checkpoint_was_asked_for(
    corpus: Corpus, tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.chdir(tmp_path)
    assert train(corpus, SMALL, steps=4).checkpoint == ""
    assert not list(tmp_path.iterdir())


def test_a_network_of_ones_own_is_trained_saved_and_reloaded(corpus: Corpus, tmp_path: Path) -> None:
    size = len(corpus.alphabet)
    done = train(corpus, Settings(learning_rate=0.1), steps=40, folder=tmp_path, make=lambda _: Table(size))
    assert done.loss < corpus.uniform_loss
    model, metrics = reload(corpus, done.checkpoint, network=Table(size))
    assert isinstance(model.network, Table)
    assert metrics["val_loss"] == pytest.approx(done.loss, abs=1e-5)
    with pytest.raises(CheckpointError, match="Can't load"):
        reload(corpus, done.checkpoint)


@pytest.mark.parametrize("content", [None, b"no checkpoint"])
def test_checkpoints_that_are_none(corpus: Corpus, tmp_path: Path, content: bytes | None) -> None:
    path = tmp_path / "x.ckpt"
    if content is not None:
        path.write_bytes(content)
    with pytest.raises(CheckpointError) as error:
        reload(corpus, path)
    assert str(path) in error.value.evidence[0]


def test_the_search_tries_settings_and_its_plots_follow_the_page(corpus: Corpus) -> None:
    import matplotlib.pyplot as plt
    from optuna.visualization.matplotlib import plot_optimization_history, plot_slice

    watch = Watch()
    fixed, made = Settings(heads=2, layers=1, dropout=0.25), []

    def make(settings: Settings) -> Table:
        made.append(settings)
        return Table(len(corpus.alphabet))

    study = search(corpus, fixed, trials=3, steps=4, make=make, progress=watch)
    assert len(study.trials) == 3
    assert [step.done for step in watch.steps] == [0, 1, 2]
    assert set(study.best_params) == {"learning_rate", "width"}
    assert {replace(one, learning_rate=1, width=1) for one in made} == {replace(fixed, learning_rate=1, width=1)}
    for plot in (plot_optimization_history, plot_slice):
        shown = restyled(plot(study), "The trials.")
        assert "currentColor" in shown.svg
        assert shown.alt == "The trials."
    assert not plt.get_fignums(), "a notebook would show them a second time"


def test_every_setting_reaches_the_network() -> None:
    model = LanguageModel(
        vocabulary=5,
        context=4,
        steps=1,
        settings=asdict(Settings(learning_rate=1e-2, width=8, heads=2, layers=3, dropout=0.25)),
    )
    body = model.network.body
    assert len(body.layers) == 3
    assert {(layer.self_attn.num_heads, layer.dropout.p) for layer in body.layers} == {(2, 0.25)}
    assert (model.network.embed.embedding_dim, model.learning_rate) == (8, 1e-2)


def test_the_transformer_refuses_what_it_cannot_take() -> None:
    with pytest.raises(ModelSpecError, match="multiple of the heads"):
        Transformer(vocabulary=5, width=10, heads=4)
    with pytest.raises(ValueError, match="longer than the context"):
        Transformer(vocabulary=5, context=4)(torch.zeros(1, 5, dtype=torch.int64))
