"""A few hundred simple sentences in English and Japanese, from a small grammar."""

from __future__ import annotations

from itertools import product

import numpy as np

from .parallel import Parallel

PEOPLE = {
    "i": "私", "you": "あなた", "he": "彼", "she": "彼女", "we": "私 たち",
    "they": "彼ら",
}  # fmt: skip
# (verb, third person, past): its Japanese stem, and what it may be done to.
ACTS = {
    ("eat", "eats", "ate"): ("食べ", ["an apple", "bread", "fish"]),
    ("open", "opens", "opened"): ("開 け", ["a book", "a letter", "a newspaper"]),
    ("drink", "drinks", "drank"): ("飲 み", ["water", "tea", "milk"]),
    ("buy", "buys", "bought"): ("買 い", ["a car", "a book", "fish"]),
    ("see", "sees", "saw"): ("見", ["the sea", "a bird", "a car"]),
    ("write", "writes", "wrote"): ("書 き", ["a letter", "a book", "a song"]),
}
THINGS = {
    "an apple": "りんご", "bread": "パン", "fish": "魚", "a book": "本",
    "a letter": "手紙", "a newspaper": "新聞", "water": "水", "tea": "お 茶",
    "milk": "牛乳", "a car": "車", "the sea": "海", "a bird": "鳥", "a song": "歌",
}  # fmt: skip
ENDINGS = {
    "now": "ま す",
    "past": "ま し た",
    "not": "ま せ ん",
    "never": "ま せ ん で し た",
}


def phrases(seed: int = 0) -> tuple[Parallel, Parallel, Parallel]:
    """The 432 pairs of the grammar, drawn in order: 352 to train on, 40 and 40.

    >>> train, _, _ = phrases()
    >>> len(train), " ".join(train.sources[0])
    (352, 'we buy fish .')
    """
    pairs = []
    for (person, he), act, form in product(PEOPLE.items(), ACTS.items(), ENDINGS):
        (verb, third, past), (stem, things) = act
        alone = person in ("he", "she")
        done = {
            "now": third if alone else verb,
            "past": past,
            "not": f"does not {verb}" if alone else f"do not {verb}",
            "never": f"did not {verb}",
        }
        for thing in things:
            english = f"{person} {done[form]} {thing} ."
            japanese = f"{he} は {THINGS[thing]} を {stem} {ENDINGS[form]} 。"
            pairs.append((english.split(), japanese.split()))
    order = np.random.default_rng(seed).permutation(len(pairs)).tolist()
    parts = (order[:-80], order[-80:-40], order[-40:])
    train, dev, test = (
        Parallel([pairs[k][0] for k in part], [pairs[k][1] for k in part])
        for part in parts
    )
    return train, dev, test
