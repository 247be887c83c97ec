"""Pictures of arrays: what they say, that nothing overlaps, their limits."""

import re
import xml.etree.ElementTree as ET
from itertools import combinations

import numpy as np
import pytest

import symseq as ss
import symseq.tensor as T
from symseq.draw.arrays import picture as pictures
from symseq.draw.arrays.picture import draw_arrays
from symseq.errors import TargetError, UsageError

B, L, D, I, J, K = ss.dims("B T D i j K")
H = ss.dim("H", 3)
ODD = '<script>alert("1")</script>&\n日本語の名前\x00' + "x" * 200


def leaf(name, *shape, dtype="float32"):
    return ss.TensorType(dtype, shape)(name)


def shared(name, *shape):
    sizes = [n if isinstance(n, int) else n.size for n in shape]
    return ss.shared(np.zeros(sizes, "float32"), name, shape=shape)


def embedding():
    x = leaf("x", L, B, dtype="int64")
    table = shared("Wemb", ss.dim("V", 20), 4)
    return table[x.flatten()].reshape([x.shape[0], x.shape[1], 4])


def masked_step():
    m, new, old = leaf("m", B), leaf("h_new", B, H), leaf("h_old", B, H)
    return m[:, None] * new + (1 - m)[:, None] * old


def cut(x, k):
    return x[:, k * 3 : (k + 1) * 3]


def lstm_step():
    h_, c_, x_ = leaf("h_", B, H), leaf("c_", B, H), leaf("x_", B, 4 * H)
    preact = T.dot(h_, shared("U", H, 4 * H)) + x_
    i = T.nnet.sigmoid(cut(preact, 0))
    f = T.nnet.sigmoid(cut(preact, 1))
    o = T.nnet.sigmoid(cut(preact, 2))
    g = T.tanh(cut(preact, 3))
    c = f * c_ + i * g
    h = o * T.tanh(c)
    return h


def attention():
    scores, hs = leaf("e", B, L), leaf("hs", B, L, H)
    alpha = T.nnet.softmax(scores)
    context = (alpha[:, :, None] * hs).sum(axis=1)
    return context


def heads():
    q, k = leaf("q", B, K, I, D), leaf("k", B, K, J, D)
    return T.nnet.softmax(T.matmul(q, k.dimshuffle(0, 1, 3, 2)), axis=-1)


def loop():
    x, w, u = leaf("x", L, B, H), shared("W", H, H), shared("U", H, H)

    def step(x_t, h_prev):
        return T.tanh(T.dot(x_t, w) + T.dot(h_prev, u))

    h, _ = ss.scan(step, sequences=x, outputs_info=T.zeros((x.shape[1], 3)))
    return h[-1]


def einsum():
    x, y = leaf("x", B, I, D), leaf("y", B, J, D)
    scores = T.einsum("bid,bjd->bij", x, y)
    return scores


def odd_names():
    return T.dot(leaf(ODD, L, B), leaf("短い名前", B, 3))


def joined():
    return T.concatenate([leaf("a", B, D), leaf("b", B, H)], axis=1)


GALLERY = {
    "embedding": embedding,
    "masked step": masked_step,
    "lstm step": lstm_step,
    "attention": attention,
    "heads": heads,
    "loop": loop,
    "einsum": einsum,
    "rank-3 dot": lambda: T.dot(leaf("X", L, B, H), shared("W", H, 4 * H)),
    "tensordot": lambda: T.tensordot(leaf("A", I, J, K), leaf("B", J, K, D), 2),
    "rank 5": lambda: (leaf("z", I, J, L, B, D) * 2).sum(axis=0),
    "zero": lambda: leaf("e", 0, 3) * leaf("s"),
    "zero in front": lambda: leaf("e", 0, B, 2, 3) * 2,
    "unknown": lambda: T.tanh(T.dot(T.matrix("u"), shared("W", 50, 64))).mean(axis=0),
    "scalar": lambda: leaf("s") * 2 + 1,
    "input": lambda: leaf("x", L, B, D),
    "odd names": odd_names,
    "joined": joined,
    "split": lambda: T.split(leaf("x", B, 6), [2, 1, 3], 3, axis=1),
    "vector": lambda: T.dot(leaf("a", B, D), leaf("v", D)),
    "transpose": lambda: leaf("x", L, B, D).dimshuffle(1, 0, 2),
    "reversed": lambda: leaf("p", L, B)[::-1][:, 1:3],
    "row": lambda: leaf("p", L, B)[-1],
    "any row": lambda: leaf("p", L, B)[T.iscalar("k")],
    "flatten": lambda: leaf("p", L, B).flatten(),
    "gradient": lambda: ss.grad(
        T.dot(leaf("a", B, D), leaf("w", D, H)).sum(), [leaf("a", B, D)],
        disconnected_inputs="ignore",
    ),
    "two": lambda: [masked_step(), attention()],
}  # fmt: skip


@pytest.fixture(params=GALLERY, scope="module")
def picture(request):
    return draw_arrays(GALLERY[request.param]())


def texts(picture):
    return [label[4] for label in picture.labels]


def test_labels_do_not_overlap(picture):
    for (x, y, w, h, one), (u, v, m, n, other) in combinations(picture.labels, 2):
        apart = x + w <= u or u + m <= x or y + h <= v or v + n <= y
        assert apart, (one, other)


def test_labels_are_inside(picture):
    root = ET.fromstring(picture.svg)
    wide, high = float(root.get("width")), float(root.get("height"))
    for x, y, w, h, text in picture.labels:
        assert x >= 0 and x + w <= wide and y >= 0 and y + h <= high, text


def test_boxes_are_inside(picture):
    root = ET.fromstring(picture.svg)
    wide, high = float(root.get("width")), float(root.get("height"))
    for points in re.findall(r'points="([^"]*)"', picture.svg):
        for pair in points.split():
            x, y = map(float, pair.split(","))
            assert 0 <= x <= wide and 0 <= y <= high


def test_equal_graphs_make_equal_pictures():
    assert draw_arrays(lstm_step()).svg == draw_arrays(lstm_step()).svg


def test_einsum_takes_the_common_axis_away():
    found = draw_arrays(einsum())
    assert "D is summed over" in texts(found)
    assert texts(found).count("scores") == 1
    assert "transpose(" not in texts(found)


def test_a_product_of_rank_3_is_one_step():
    found = draw_arrays(T.dot(leaf("X", L, B, H), shared("W", H, 4 * H)))
    assert "H is summed over" in texts(found)
    assert texts(found).count("→") == 1
    assert texts(found).count("4H") == 2


def test_a_product_over_two_axes_is_one_step():
    found = draw_arrays(T.tensordot(leaf("A", I, J, K), leaf("B", J, K, D), 2))
    assert "j and K are summed over" in texts(found)
    assert texts(found).count("→") == 1


def test_embedding_shows_what_is_taken():
    ids = [[3, 7, 1], [0, 7, 2]]
    found = texts(draw_arrays(embedding(), values={"x": ids}))
    assert found.count("→") == 3
    assert {"flatten(", "reshape(", "3", "7", "⋮"} <= set(found)
    assert "7" not in texts(draw_arrays(loop()))


def test_taken_rows_keep_their_colour():
    table = shared("W", 10, 4)
    svg = draw_arrays(table[T.constant(np.array([1, 8, 8, -1]))]).svg
    colours = re.findall(r'fill="(#[0-9A-F]{6})" stroke="#FFFFFF"', svg)
    once, twice, last = "#A6D5F2", "#F7CE7E", "#98D8C3"
    assert [colours.count(c) for c in (once, twice, last)] == [3, 5, 3]


def test_blocks_are_named_by_what_is_made_of_them():
    found = texts(draw_arrays(lstm_step()))
    # Each gate: in the block, as its result, and where it is read.
    assert [found.count(gate) for gate in "ifog"] == [3, 3, 3, 3]
    assert "preact[:, 0:3]" in found


def test_steps_go_by_the_users_lines():
    found = texts(draw_arrays(lstm_step()))
    lines = [text for text in found if " = T.nnet.sigmoid" in text]
    assert [line[0] for line in lines] == ["i", "f", "o"]


def test_masked_step_is_one_row_with_two_stretched_masks():
    found = draw_arrays(masked_step())
    assert texts(found).count("m") == 2
    assert texts(found).count("→") == 1
    assert found.svg.count("stroke-dasharray") == 2


def test_without_folding_each_op_is_a_step():
    assert texts(draw_arrays(masked_step(), fold=False)).count("→") == 4


def test_a_loop_shows_one_step():
    found = texts(draw_arrays(loop()))
    assert {"scan: one step t of T", "x[t]", "h[t−1]", "h[t]"} <= set(found)


def test_a_loop_is_told_in_the_users_names():
    x, m = leaf("x", L, B, H), leaf("m", L, B)

    def step(m_, x_, h_, c_):
        c = T.tanh(x_ + c_)
        c = m_[:, None] * c + (1.0 - m_)[:, None] * c_
        h = x_ * c
        h = m_[:, None] * h + (1.0 - m_)[:, None] * h_
        return h, c

    zero = T.zeros((x.shape[1], 3))
    (h, _), _ = ss.scan(step, sequences=[m, x], outputs_info=[zero, zero])
    found = texts(draw_arrays(h))
    assert {"h[t]", "c[t]", "h[t−1]", "c[t−1]", "m[t]"} <= set(found)
    # The 1 of 1 - m is text, though the loop is handed it from outside.
    assert "+ (1 −" in found


def test_the_body_of_a_loop_can_be_drawn():
    (node,) = [n for n in ss.traverse.sort_nodes([loop()]) if n.op.name == "scan"]
    assert "H is summed over" in texts(draw_arrays(node.op.body_states[0]))


def test_only_some_ops():
    found = texts(draw_arrays(lstm_step(), ops=["subtensor"]))
    assert found.count("→") == 1


def test_named_lengths_by_hand():
    found = texts(draw_arrays(leaf("p", L, B).flatten(), shapes={"T": 2, "B": 2}))
    assert found.count("3") == 2
    assert "4" not in found


def test_a_graph_of_300_ops_is_bounded():
    x = leaf("x", B, 4)
    for _ in range(150):
        x = T.tanh(x)
        x = x * 2
    found = draw_arrays(x, max_nodes=20)
    assert found.hidden == 280
    assert "280 earlier steps not drawn (max_nodes=20)" in texts(found)
    assert len(found.svg) < 100_000


def test_what_is_left_out_leaves_the_frame_of_a_loop():
    found = draw_arrays(loop(), max_nodes=2)
    assert found.hidden == 2
    assert {"2 earlier steps not drawn (max_nodes=2)", "scan: one step t of T"} <= set(
        texts(found)
    )


def test_it_is_a_style_of_draw(tmp_path):
    found = ss.draw(einsum(), tmp_path / "a.svg", style="arrays", shapes={"B": 5})
    assert found.svg == (tmp_path / "a.svg").read_text()
    assert found._repr_mimebundle_()["image/svg+xml"] == found.svg


def test_a_deep_line_is_cut():
    x = leaf("x", B, 4)
    for _ in range(150):
        x = T.tanh(x) * 2
    assert texts(draw_arrays(x)).count("→") > 20


def test_odd_names_are_escaped():
    svg = draw_arrays(odd_names()).svg
    assert "<script>" not in svg
    assert "&lt;script&gt;" in svg
    ET.fromstring(svg)


def test_longer_sides_are_drawn_longer():
    svg = draw_arrays(leaf("x", 10, 1000)).svg
    (points,) = set(re.findall(r'polygon points="([^"]*)" fill="#E4F2FB"', svg))
    (x0, y0), _, (x1, y1), _ = (map(float, p.split(",")) for p in points.split())
    assert 3 < (x1 - x0) / (y1 - y0) < 30


def test_a_length_that_contradicts_is_refused():
    with pytest.raises(UsageError, match="H is 3 and was given as 5"):
        draw_arrays(masked_step(), shapes={"H": 5})
    with pytest.raises(UsageError, match="no length is named 'Q'; there are: B, H"):
        draw_arrays(masked_step(), shapes={"Q": 5})


def test_values_must_fit():
    with pytest.raises(UsageError, match=r"which are Wemb, x; got 'y'"):
        draw_arrays(embedding(), values={"y": [1]})
    with pytest.raises(UsageError, match="rank 2; got rank 1"):
        draw_arrays(embedding(), values={"x": [1]})


def test_files(tmp_path, monkeypatch):
    found = draw_arrays(einsum(), tmp_path / "einsum.svg")
    assert (tmp_path / "einsum.svg").read_text() == found.svg == found._repr_svg_()
    with pytest.raises(UsageError, match=r"\.svg, \.png or \.pdf; got 'a\.gif'"):
        found.save(tmp_path / "a.gif")
    monkeypatch.setattr(pictures, "CAIRO", "no_such_package")
    with pytest.raises(TargetError, match="needs the package"):
        found.save(tmp_path / "a.png")
    assert sorted(p.name for p in tmp_path.iterdir()) == ["einsum.svg"]


def test_png_and_pdf(tmp_path):
    pytest.importorskip("cairosvg")
    found = draw_arrays(einsum())
    assert found.save(tmp_path / "a.png").read_bytes().startswith(b"\x89PNG")
    assert found.save(tmp_path / "a.pdf").read_bytes().startswith(b"%PDF")


def test_ends_of_unknown_lengths_all_lie_in_the_whole():
    q, r = T.matrix("q"), T.matrix("r")
    svg = ss.draw(T.concatenate([q, r]), style="arrays")._repr_svg_()
    assert svg.count(">q<") == svg.count(">r<") == 2  # the operand, its part


def marks(picture):
    """The size (width, height) of each part that is marked."""
    found = re.findall(r'points="([^"]*)"[^>]*fill-opacity="0.75"', picture.svg)
    shapes = [
        [tuple(map(float, p.split(","))) for p in points.split()] for points in found
    ]
    return [tuple(max(c) - min(c) for c in zip(*p, strict=True)) for p in shapes]


@pytest.mark.parametrize("lengths", [(B, D), (None, None)])
def test_a_part_is_as_large_as_what_is_marked_of_the_whole(lengths):
    found = draw_arrays(leaf("x", *lengths)[1:3])
    assert "[1:3]" in texts(found)
    whole, part = marks(found)
    assert part == pytest.approx(whole)


def test_what_is_written_is_marked():
    x = leaf("x", None, None)
    ((width, height),) = marks(draw_arrays(T.set_subtensor(x[0], 0)))
    assert width == pytest.approx(3 * height)


def test_an_index_is_said_and_marked_where_it_is_known():
    x, i, j = leaf("x", B, D), T.iscalar("i"), T.iscalar("j")
    assert "[i, j]" in texts(draw_arrays(x[i, j]))
    assert marks(draw_arrays(x[i, j])) == []
    assert len(marks(draw_arrays(x[i, j], values={i: 1, j: 2}))) == 2
    assert marks(draw_arrays(leaf("y", None)[7])) == []  # beyond what is drawn
