"""Letters of every script in matplotlib's pictures: from a font that has them.

matplotlib draws a letter that its fonts lack as a box. Here each letter is taken from
an installed font that has it; one that no font has is written by its code point, with a
warning.
"""

from __future__ import annotations

import warnings
from collections.abc import Sequence
from functools import cache
from typing import Any

from matplotlib.font_manager import FontEntry, findfont, fontManager, get_font

OWN_FONT = "DejaVu Sans"
# A token that is only one of these would not be seen.
SIGNS = {" ": "␣", "\t": "⇥", "\n": "⏎"}
# The same ideograph is written in several ways: the script beside it tells which.
STYLES = (("JP", range(0x3040, 0x3100)), ("KR", range(0xAC00, 0xD7A4)))
MOST_NAMED = 8  # letters in a warning
Letters = frozenset[int]


def lettering(texts: Sequence[str]) -> tuple[dict[Any, Any], list[str]]:
    """matplotlib's settings for `texts`, and how each of them is to be written.

    A text is never read as mathematics; spaces that stand alone have signs.
    Warns: UserWarning where no installed font has a letter.

    >>> lettering(["a$b$", " "])[1]
    ['a$b$', '␣']
    """
    signed = [SIGNS.get(text, text) for text in texts]
    wanted = {ord(letter) for text in signed for letter in text if letter.isprintable()}
    families, missing = fonts_for(frozenset(wanted - {ord(" ")}))
    if missing:
        _warn(missing)
    settings = {"font.family": list(families), "text.parse_math": False}
    return settings, [_spelled(text, missing) for text in signed]


@cache
def fonts_for(wanted: Letters) -> tuple[tuple[str, ...], Letters]:
    """Fonts that have the wanted letters between them, and the letters that none has.

    matplotlib's own font comes first, then the one that has most of what is missing.
    """
    families, missing = [OWN_FONT], wanted - _letters(findfont(OWN_FONT))
    ways = [end for end, script in STYLES if any(code in script for code in wanted)]
    fonts = [(_letters(f.fname), f) for f in fontManager.ttflist if _is_plain(f)]
    while missing:
        found, best = max(
            ((len(missing & has), f) for has, f in fonts),
            key=lambda one: (one[0], _suits(one[1].name, ways), one[1].name),
            default=(0, None),
        )
        if best is None or not found:
            break
        families.append(best.name)
        missing -= _letters(best.fname)
    return tuple(families), missing


def _suits(name: str, ways: Sequence[str]) -> tuple[int, int]:
    """How well a font's name fits: the wanted way of ideographs, without serifs."""
    way = ways[0] if ways else "SC"
    return int(name.endswith(way)), int("Serif" not in name and "Mono" not in name)


def _is_plain(font: FontEntry) -> bool:
    upright = font.style == "normal" and font.weight in (400, "400", "normal")
    return upright and not font.name.startswith("Last Resort")  # boxes for all letters


@cache
def _letters(path: str) -> Letters:
    """The code points that a font file has."""
    return frozenset(get_font(path).get_charmap())


def _spelled(text: str, missing: Letters) -> str:
    return "".join(
        letter
        if letter == " " or (letter.isprintable() and ord(letter) not in missing)
        else f"⟨{ord(letter):04X}⟩"
        for letter in text
    )


def _warn(missing: Letters) -> None:
    some = [chr(code) for code in sorted(missing)]
    more = f" and {len(some) - MOST_NAMED} more" if len(some) > MOST_NAMED else ""
    warnings.warn(
        f"no installed font has {' '.join(some[:MOST_NAMED])}{more}: the picture "
        "has their code points instead; install a font with them, such as Noto Sans "
        "CJK for Chinese, Japanese and Korean (Debian: fonts-noto-cjk)",
        UserWarning,
        stacklevel=4,
    )
