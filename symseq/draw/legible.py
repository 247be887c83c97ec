"""An SVG's texts of edges and frames over all lines, each with a pale rim."""

from __future__ import annotations

import re

# Where Graphviz begins a node, an edge or a frame; a text in it; the end of all.
_PART = re.compile(r'(?=<g id="(?:node|edge|clust)\d+" class=)')
_MOVES = re.compile(r'<g id="\w+" class="(?:edge|cluster)">')
_TEXT = re.compile(r"<text .*?</text>\n", re.DOTALL)
_END = "</g>\n</svg>"
RIM = (
    'stroke="white" stroke-width="2.5" stroke-opacity="0.85" stroke-linejoin="round" '
    'paint-order="stroke"'
)


def legible(svg: str) -> str:
    """The SVG with these texts last, so that no line is drawn through one.

    What Graphviz's own title would show for a graph without a name is left out.
    """
    kept, lifted = [], []
    for part in _PART.split(svg):
        if _MOVES.match(part):
            lifted += _TEXT.findall(part)
            part = _TEXT.sub("", part)
        kept.append(part)
    body = "".join(kept).replace("<title>%3</title>\n", "", 1)
    if not lifted or _END not in body:
        return body
    start, end = body.rsplit(_END, 1)
    return f"{start}<g {RIM}>\n{''.join(lifted)}</g>\n{_END}{end}"
