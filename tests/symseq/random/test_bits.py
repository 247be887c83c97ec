"""Statistics of the generator: each bound is about five standard errors wide."""

import numpy as np
import pytest

from symseq.compiler.reference import evaluate
from symseq.errors import DTypeError
from symseq.ops.vectorize import batch_graph
from symseq.random.bits import BLOCK, bits, fold_in, folded, mix, words
from symseq.variables import dvector, lscalar, lvector

KEY = np.array(20260131)
COUNT = 200_000


def units(drawn):
    return (drawn.view("uint64") >> np.uint64(11)) * 2.0**-53


def chi_square(counts):
    expected = counts.sum() / counts.size
    return ((counts - expected) ** 2 / expected).sum()


def assert_flat(counts):
    """Chi-square within five standard deviations of its mean."""
    freedom = counts.size - 1
    assert abs(chi_square(counts) - freedom) < 5 * np.sqrt(2 * freedom)


def assert_uncorrelated(a, b):
    assert abs(np.corrcoef(a.ravel(), b.ravel())[0, 1]) < 5 / np.sqrt(a.size)


def test_mix_is_the_finaliser_of_splitmix():
    # The first outputs of SplitMix64 from seed 0 (Vigna's reference program).
    gamma = 0x9E3779B97F4A7C15
    states = np.array([gamma, 2 * gamma % 2**64], "uint64")
    wanted = [0xE220A8397B1DCDAF, 0x6E789E6AA1B965F4]
    assert mix(states).tolist() == wanted


def test_values_never_change():
    """Checkpoints and other targets rely on these very words."""
    assert words(np.array(1), 3).tolist() == GOLDEN_WORDS
    assert folded(np.array(1), np.arange(3)).tolist() == GOLDEN_KEYS


GOLDEN_WORDS = [-2395555888584595077, -5261538176256740528, -5881296321161806656]
GOLDEN_KEYS = [8841707400507832957, -4616330145664149646, 6869446166584666695]


@pytest.mark.parametrize("source", ["elements", "keys", "steps of steps"])
def test_uniform_along_every_direction(source):
    if source == "elements":
        u = units(words(KEY, COUNT))
    elif source == "keys":
        u = units(words(folded(KEY, np.arange(COUNT)), 1))[:, 0]
    else:
        outer = folded(KEY, np.arange(400))[:, None]
        u = units(words(folded(outer, np.arange(500)[None]), 1)).ravel()
    assert abs(u.mean() - 0.5) < 5 * np.sqrt(1 / 12 / COUNT)
    assert abs(u.var() - 1 / 12) < 5 * np.sqrt(1 / 180 / COUNT)
    assert_flat(np.histogram(u, 1000, (0, 1))[0])
    for lag in (1, 2, 3, 64, 1024):
        assert_uncorrelated(u[:-lag], u[lag:])
    pairs = np.histogram2d(u[:-1:2], u[1::2], 40, [(0, 1), (0, 1)])[0]
    assert_flat(pairs.ravel())


def test_every_bit_is_fair_and_independent():
    drawn = words(KEY, 20_000).view("uint64")
    table = (drawn[:, None] >> np.arange(64, dtype="uint64")) & np.uint64(1)
    signs = table * 2.0 - 1
    assert np.abs(signs.mean(axis=0)).max() < 5 / np.sqrt(len(signs))
    correlations = signs.T @ signs / len(signs) - np.eye(64)
    assert np.abs(correlations).max() < 5.5 / np.sqrt(len(signs))


@pytest.mark.parametrize("bit", [0, 1, 31, 62])
def test_keys_that_differ_in_a_bit_differ_everywhere(bit):
    keys = np.arange(5000) * 1_000_003
    one, other = words(keys, 4), words(keys ^ (1 << bit), 4)
    changed = np.bitwise_count((one ^ other).view("uint64"))
    assert abs(changed.mean() - 32) < 5 * 4 / np.sqrt(changed.size)


def test_neighbouring_keys_and_steps_are_uncorrelated():
    keys = folded(KEY, np.arange(300))
    u = units(words(keys, 300))
    assert_uncorrelated(u[:-1], u[1:])
    assert_uncorrelated(u[:, :-1], u[:, 1:])
    assert_uncorrelated(u[:-1, 1:], u[1:, :-1])  # a key's words one place on


def test_raw_neighbours_are_uncorrelated():
    u = units(words(np.arange(300), 300))
    assert_uncorrelated(u[:-1], u[1:])
    gamma = int(np.array(0x9E3779B97F4A7C15, "uint64").view("int64"))
    a, b = words(np.array(7), 1000), words(np.array(7 + gamma), 1000)
    assert not np.isin(a, b).any()


def test_no_collisions():
    assert len(np.unique(words(KEY, COUNT))) == COUNT
    assert len(np.unique(folded(KEY, np.arange(-1000, COUNT)))) == COUNT + 1000


def test_shapes_batches_and_blocks():
    keys = folded(KEY, np.arange(3))
    whole = words(keys, BLOCK + 5)
    assert whole.shape == (3, BLOCK + 5)
    np.testing.assert_array_equal(whole[1], words(keys[1], BLOCK + 5))
    np.testing.assert_array_equal(whole[:, :9], words(keys, 9))
    assert words(keys, 0).shape == (3, 0)
    assert words(keys[:0], 2).shape == (0, 2)


def run(output, inputs, values):
    (found,) = evaluate([output], inputs, [np.asarray(v) for v in values])
    return found


def test_ops_agree_with_the_functions():
    key, n = lscalar("key"), lscalar("n")
    drawn = bits(fold_in(key, 4), n, 2)
    assert drawn.type.sizes == (None, 2)
    found = run(drawn, [key, n], [9, 3])
    wanted = words(folded(np.array(9), np.array(4)), 6).reshape(3, 2)
    np.testing.assert_array_equal(found, wanted)


def test_a_batch_of_keys_is_a_batch_of_draws():
    key, keys = lscalar("key"), lvector("keys")
    (batched,) = batch_graph([bits(fold_in(key, 1), 3)], {key: keys})
    found = run(batched, [keys], [[5, 6]])
    for row, k in zip(found, (5, 6), strict=True):
        one = run(bits(fold_in(key, 1), 3), [key], [k])
        np.testing.assert_array_equal(row, one)


def test_a_key_is_an_int64():
    with pytest.raises(DTypeError, match="int64 keys"):
        bits(dvector("x"), 2)
