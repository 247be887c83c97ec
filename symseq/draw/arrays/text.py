"""Text in a picture: how wide it surely is at most, and how it is escaped."""

from __future__ import annotations

from html import escape
from unicodedata import east_asian_width

SANS = "Helvetica,Arial,'DejaVu Sans','Noto Sans CJK JP',sans-serif"
MONO = "'DejaVu Sans Mono',Menlo,Consolas,'Noto Sans Mono CJK JP',monospace"
# Fonts that have the signs, and Chinese, Japanese and Korean: not every program that
# reads an SVG looks for a missing character in another font.
SIGNED = "'DejaVu Sans','Segoe UI Symbol','Apple Symbols',sans-serif"
CJK = "'Noto Sans CJK JP','Hiragino Sans','Yu Gothic','MS Gothic',sans-serif"
MONO_EM = 0.61
# In ems, of the widest of the usual fonts (DejaVu Sans).
NARROW = dict.fromkeys("ijlI|.,:;'!", 0.38) | dict.fromkeys('ft()[]r -/·"', 0.45)
WIDE = dict.fromkeys("mwMW@%—→⋯", 1.0) | dict.fromkeys("+=<>×⊙−~#", 0.88)


def width(text: str, size: float, *, mono: bool = False) -> float:
    """An upper bound of the width of `text` in pixels at a font size."""
    return size * sum(_em(character, mono) for character in text)


def font(text: str, *, mono: bool = False) -> str:
    """The fonts for a text, where they are not the usual ones."""
    if any(east_asian_width(character) in "WF" for character in text):
        return CJK
    if mono:
        return MONO
    return SIGNED if any("\u2200" <= c <= "\u22ff" and c != "−" for c in text) else ""


def _em(character: str, mono: bool) -> float:
    if east_asian_width(character) in "WF":
        return 1.05
    if mono and character.isascii():
        return MONO_EM
    found = NARROW.get(character) or WIDE.get(character)
    if found:
        return found
    return 0.8 if character.isupper() or not character.isascii() else 0.66


def plain(text: str) -> str:
    """One line without characters that XML refuses."""
    joined = " ".join(text.split())
    return "".join(c for c in joined if c.isprintable())


def elide(text: str, most: float, size: float, *, mono: bool = False) -> str:
    """The text, cut with … to be at most so many pixels wide."""
    text = plain(text)
    if width(text, size, mono=mono) <= most:
        return text
    while text and width(text + "…", size, mono=mono) > most:
        text = text[:-1]
    return text.rstrip() + "…"


def safe(text: str) -> str:
    """Text for an XML element or attribute."""
    return escape(plain(text), quote=True)
