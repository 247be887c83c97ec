"""One HTML file: deflated data, our script and style, nothing from outside."""

from __future__ import annotations

import base64
import hashlib
import html
import json
import re
import zlib
from dataclasses import dataclass, field
from importlib.resources import files
from typing import Any

HERE = files("symseq.explore")
SCRIPTS = ("view.js", "panes.js", "search.js", "keys.js", "page.js")


@dataclass(slots=True)
class Parts:
    """Data that the page unpacks when it is needed; equal parts are kept once."""

    texts: list[str] = field(default_factory=list)
    known: dict[str, int] = field(default_factory=dict)

    def add(self, data: Any) -> int:
        """The number of a part."""
        text = packed(data)
        if text not in self.known:
            self.known[text] = len(self.texts)
            self.texts.append(text)
        return self.known[text]

    def elements(self) -> str:
        return "\n".join(
            f'<script type="text/plain" id="part-{number}">{text}</script>'
            for number, text in enumerate(self.texts)
        )


def packed(data: Any) -> str:
    """Data as deflated JSON in the 64 characters that no markup has."""
    text = json.dumps(data, ensure_ascii=False, separators=(",", ":"))
    # What JSON allows alone and UTF-8 does not.
    return base64.b64encode(zlib.compress(text.encode("utf-8", "replace"), 9)).decode()


def page(title: str, head: Any, parts: Parts) -> str:
    """The whole file. A browser runs our script in it and no other: it has a hash."""
    style = HERE.joinpath("page.css").read_text(encoding="utf-8")
    script = "".join(
        HERE.joinpath(name).read_text(encoding="utf-8") for name in SCRIPTS
    )
    fields = {
        "title": html.escape(title),
        "style": style,
        "style_hash": digest(style),
        "script": script,
        "script_hash": digest(script),
        "head": packed(head),
        "parts": parts.elements(),
    }
    template = HERE.joinpath("page.html").read_text(encoding="utf-8")
    return re.sub(r"\{\{(\w+)\}\}", lambda found: fields[found[1]], template)


def digest(text: str) -> str:
    """What a content security policy calls a text."""
    return "sha256-" + base64.b64encode(hashlib.sha256(text.encode()).digest()).decode()
