"""Losses over sequences and metrics, against their definitions in NumPy."""

import numpy as np
import pytest

import symseq as ss
import symseq.tensor as T
from symseq.errors import ShapeError, UsageError
from symseq.models import losses, metrics
from symseq.models.bleu import bleu

T_, B, V = 4, 3, 5


def values(rng):
    logits = rng.standard_normal((T_, B, V))
    return logits, rng.integers(0, V, (T_, B)).astype("int32")


@pytest.mark.parametrize("smoothing", [0.0, 0.1])
@pytest.mark.parametrize("target", ["reference", "numpy"])
def test_sequence_cross_entropy(smoothing, target):
    rng = np.random.default_rng(0)
    z, y = values(rng)
    mask = (rng.random((T_, B)) < 0.6).astype("float64")
    logits, targets, m = T.dtensor3("z"), T.imatrix("y"), T.dmatrix("m")
    cost = losses.sequence_cross_entropy(logits, targets, m, smoothing=smoothing)
    f = ss.function([logits, targets, m], [cost, ss.grad(cost, logits)], target=target)
    total = 0.0
    for t in range(T_):
        for b in range(B):
            log_p = z[t, b] - np.log(np.exp(z[t, b]).sum())
            q = np.full(V, smoothing / V)
            q[y[t, b]] += 1 - smoothing
            total -= mask[t, b] * (q * log_p).sum()
    got, gradient = f(z, y, mask)
    np.testing.assert_allclose(got, total / mask.sum(), rtol=1e-12)
    np.testing.assert_array_equal(gradient[mask == 0], 0)
    nothing, gradient = f(z, y, np.zeros_like(mask))
    assert nothing == 0
    np.testing.assert_array_equal(gradient, 0)


def test_sequence_cross_entropy_without_a_mask_is_that_of_ones():
    z, y = values(np.random.default_rng(1))
    logits, targets = T.dtensor3("z"), T.imatrix("y")
    ones = T.ones((T_, B), "float64")
    pair = [losses.sequence_cross_entropy(logits, targets, m) for m in (None, ones)]
    without, beside = ss.function([logits, targets], pair)(z, y)
    np.testing.assert_allclose(without, beside, rtol=1e-12)


@pytest.mark.parametrize("smoothing", [-0.1, 1.1, float("nan")])
def test_smoothing_is_a_share(smoothing):
    logits, targets = T.dtensor3("z"), T.imatrix("y")
    with pytest.raises(UsageError, match="a share from 0 to 1; got"):
        losses.sequence_cross_entropy(logits, targets, smoothing=smoothing)


def test_losses_of_other_ranks():
    z, y, m = T.dtensor3(), T.imatrix(), T.dvector()
    for given, name in (((y, y), "logits"), ((z, m), "targets"), ((z, y, m), "mask")):
        with pytest.raises(ShapeError, match=f"{name} must be of rank"):
            losses.sequence_cross_entropy(*given)
    with pytest.raises(ShapeError, match="labels must be of rank 1"):
        losses.cross_entropy(y, y)


def test_metrics_compare_pairs():
    for metric in (metrics.accuracy, metrics.exact_match, bleu):
        with pytest.raises(UsageError, match=r"got 1 .*and 2"):
            metric([["a"]], [["a"], ["b"]])
    for wrong in (-1, 3):
        with pytest.raises(UsageError, match=r"in 0 \.\.\. 2; got"):
            metrics.confusion(np.array([wrong]), np.array([0]), 3)
    assert metrics.confusion(np.zeros(0, "int64"), np.zeros(0, "int64"), 2).sum() == 0


def test_metrics():
    assert metrics.exact_match([[1, 2], [3]], [[1, 2], [4]]) == 0.5
    assert metrics.exact_match([], []) == 0
    assert metrics.bits(np.log(2)) == pytest.approx(1)
    assert metrics.perplexity(np.log(7)) == pytest.approx(7)


def test_bleu_is_the_papers():
    """Papineni et al. 2002: geometric mean of precisions, times the brevity penalty."""
    said, right = "a b c d e f".split(), "a b c d x f g".split()
    precisions = [5 / 6, 3 / 5, 2 / 4, 1 / 3]
    expected = 100 * np.exp(1 - 7 / 6) * np.prod(precisions) ** 0.25
    assert bleu([said], [right]) == pytest.approx(expected)
    assert bleu([], []) == 0
