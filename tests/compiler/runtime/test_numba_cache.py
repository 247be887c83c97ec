"""Generated functions are loaded once, by one thread at a time."""

from concurrent.futures import ThreadPoolExecutor
from threading import Lock
from time import sleep

import pytest

pytest.importorskip("numba")

from symseq.compiler.runtime import numba_cache, numba_machine

TEXT = "@jitted_\ndef run_{0}_(p):\n    return {0}\n"


def test_threads_share_what_one_of_them_has_compiled(monkeypatch):
    alone, compiled = Lock(), []

    def compile_slowly(name, text, products, path):
        assert alone.acquire(blocking=False), "two threads compile at once"
        sleep(0.01)
        compiled.append(name)
        alone.release()
        return {"text": text}

    monkeypatch.setattr(numba_cache, "LOADED", {})
    monkeypatch.setattr(numba_machine, "read", lambda path: None)
    monkeypatch.setattr(numba_cache, "_compile", compile_slowly)
    texts = [TEXT.format(k % 3) for k in range(9)]
    with ThreadPoolExecutor(9) as threads:
        made = list(threads.map(lambda text: numba_cache.load(text, []), texts))
    assert len(compiled) == len(set(compiled)) == 3
    assert all(
        one["text"].endswith(text) for one, text in zip(made, texts, strict=True)
    )
