"""Charts: attention, curves and trainings as files, in every script."""

import os
from pathlib import Path

import numpy as np
import pytest
from matplotlib.font_manager import fontManager

from symseq.errors import UsageError
from symseq.models import fonts, plotting
from symseq.models.chart import Chart
from symseq.models.history import History

NAMES = {font.name for font in fontManager.ttflist}
ENGLISH, JAPANESE = "where is it ?".split(), "どこ に あり ます か".split()


def alignment(rows: int, columns: int) -> np.ndarray:
    weights = np.random.default_rng(0).random((rows, columns)) ** 4
    return weights / weights.sum(axis=1, keepdims=True)


def texts_of(chart: Chart) -> list[str]:
    (axes, _) = chart.figure.axes
    labels = [*axes.get_xticklabels(), *axes.get_yticklabels()]
    return [label.get_text() for label in labels]


@pytest.fixture
def without_cjk(monkeypatch: pytest.MonkeyPatch):
    """As on a machine that has matplotlib's own fonts alone."""
    own = [font for font in fontManager.ttflist if "DejaVu" in font.name]
    monkeypatch.setattr(fontManager, "ttflist", own)
    fonts.fonts_for.cache_clear()
    yield
    fonts.fonts_for.cache_clear()


@pytest.mark.parametrize("ending, start", [("png", b"\x89PNG"), ("pdf", b"%PDF")])
def test_an_attention_picture_is_a_file(tmp_path: Path, ending: str, start: bytes):
    file = tmp_path / f"attention.{ending}"
    said = plotting.draw_attention(alignment(3, 2), ["a <b>", "$x_$"], "xéж", file)
    assert file.read_bytes().startswith(start)
    assert "<svg" in said.svg and said._repr_mimebundle_()["image/svg+xml"] == said.svg
    assert texts_of(said) == ["a <b>", "$x_$", "x", "é", "ж"]


def test_spaces_are_seen_and_no_text_is_mathematics() -> None:
    chart = plotting.draw_attention(alignment(2, 3), [" ", "\n", "$a$"], ["", "\x07"])
    assert texts_of(chart) == ["␣", "⏎", "$a$", "", "⟨0007⟩"]
    assert "<svg" in chart.svg


@pytest.mark.skipif("Noto Sans CJK JP" not in NAMES, reason="needs fonts-noto-cjk")
def test_japanese_is_drawn_as_japanese() -> None:
    settings, shown = fonts.lettering([*ENGLISH, *JAPANESE])
    assert settings["font.family"] == ["DejaVu Sans", "Noto Sans CJK JP"]
    assert shown == [*ENGLISH, *JAPANESE]
    assert fonts.lettering(["한국"])[0]["font.family"][-1] == "Noto Sans CJK KR"


def test_letters_that_no_font_has_are_told(without_cjk: None, tmp_path: Path) -> None:
    with pytest.warns(
        UserWarning, match=r"no installed font has あ か .* fonts-noto-cjk"
    ):
        chart = plotting.draw_attention(alignment(5, 4), ENGLISH, JAPANESE)
    chart.save(tmp_path / "a.png")  # and no warning of matplotlib's, nor a box
    assert texts_of(chart)[:6] == [*ENGLISH, "⟨3069⟩⟨3053⟩", "⟨306B⟩"]


def test_a_warning_names_few_letters(without_cjk: None) -> None:
    with pytest.warns(UserWarning, match=" and 12 more: "):
        fonts.lettering(["".join(map(chr, range(0x4E00, 0x4E14)))])


def test_attention_of_few_and_of_many_tokens(tmp_path: Path) -> None:
    for rows, columns in [(0, 0), (0, 3), (1, 1), (2, 100)]:
        tokens = ["w"] * columns
        file = tmp_path / "a.png"
        plotting.draw_attention(alignment(rows, columns), tokens, ["v"] * rows, file)
        assert file.stat().st_size > 1000
    plotting.draw_attention(np.full((1, 1), np.nan), ["a"], ["b"], file)
    with pytest.raises(UsageError, match="row per target token"):
        plotting.draw_attention(alignment(3, 2), ["a"], ["b"], file)


def test_curves(tmp_path: Path) -> None:
    plotting.draw_curves({"train": [3, 2, 1], "日": []}, tmp_path / "curves.png")
    plotting.draw_curves({}, tmp_path / "none.png")
    assert (tmp_path / "none.png").exists()


def test_a_training_marks_its_best() -> None:
    history = History(losses=[3.0, 2.0, 1.0], scores=[0.1, 0.7, 0.4])
    above, below = plotting.draw_training(history, metric="accuracy").figure.axes
    assert above.lines[0].get_ydata().tolist() == history.losses
    assert below.lines[1].get_xydata().tolist() == [[2, 0.7]]
    assert below.get_title("right") == "best 0.7 in epoch 2"
    _, below = plotting.draw_training(history, metric="-bits").figure.axes
    assert below.lines[0].get_ydata().tolist() == [-0.1, -0.7, -0.4]
    assert below.get_ylabel() == "validation bits"


@pytest.mark.parametrize("scores", [[], [np.nan], [np.nan, 1.0], [np.inf]])
def test_trainings_of_all_kinds_are_drawn(scores: list[float]) -> None:
    history = History(losses=scores, scores=scores)
    chart = plotting.draw_training(history)
    assert "<svg" in chart.svg and chart.svg == plotting.draw_training(history).svg


def test_a_chart_is_written_whole_or_not_at_all(
    tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    chart = plotting.draw_curves({"a": [1.0]})
    file = tmp_path / "a.svg"
    file.write_text("old")
    with pytest.raises(
        UsageError, match=r"must end in .svg, .png or .pdf; got 'a.txt'"
    ):
        chart.save(tmp_path / "a.txt")

    def fails(*paths: object) -> None:
        raise OSError("full")

    monkeypatch.setattr(os, "replace", fails)
    with pytest.raises(OSError, match="full"):
        chart.save(file)
    assert [path.name for path in tmp_path.iterdir()] == ["a.svg"]
    assert file.read_text() == "old"
