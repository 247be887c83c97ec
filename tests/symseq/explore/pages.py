"""What the tests of the explorer share: graphs, and a page's parts unpacked."""

import base64
import json
import zlib
from dataclasses import dataclass
from functools import cached_property
from html.parser import HTMLParser

import numpy as np

import symseq as ss
import symseq.tensor as T


class Tags(HTMLParser):
    """Every tag of a file, and the text of each script by its id."""

    def __init__(self, text):
        super().__init__()
        self.tags, self.scripts, self.code = [], {}, []
        self.now = None
        self.feed(text)
        self.close()

    def handle_starttag(self, tag, attrs):
        attributes = dict(attrs)
        self.tags.append((tag, attributes))
        self.now = attributes.get("id", "code") if tag == "script" else None

    def handle_data(self, data):
        if self.now == "code":
            self.code.append(data)
        elif self.now is not None:
            self.scripts[self.now] = data

    @property
    def kinds(self):
        return [tag for tag, _ in self.tags]

    def handle_endtag(self, tag):
        self.now = None


@dataclass
class Page:
    """A file that `explore` wrote."""

    path: object

    @cached_property
    def text(self):
        return self.path.read_text(encoding="utf-8")

    @cached_property
    def tags(self):
        return Tags(self.text)

    def part(self, name):
        return json.loads(zlib.decompress(base64.b64decode(self.tags.scripts[name])))

    @cached_property
    def head(self):
        return self.part("head")

    def facts(self, chapter=0):
        return self.part(f"part-{self.head['chapters'][chapter]['facts']}")

    def drawing(self, key="", chapter=0):
        """The keys of nodes and frames that a drawing shows."""
        number = self.head["chapters"][chapter]["drawings"][key]
        items = self.part(f"part-{number}")["items"]
        return {item[1].split("~")[0] for item in items if item[0] != "e"}

    def labels(self, chapter=0):
        return [fact["n"] for fact in self.facts(chapter).values()]


def explored(folder, what, file="page.html", **options):
    return Page(ss.explore(what, folder / file, **options))


def training(**options):
    """A compiled step of a small recurrent net: a loop, a group, updates."""
    n, h = ss.dims("T", H=3)
    x = T.matrix("x", shape=(n, h))
    w = ss.shared(np.eye(3, dtype="float32"), "W")
    with ss.group("encoder"):
        hidden = T.tanh(T.dot(x, w))
    states, _ = ss.scan(
        lambda x_t, h: T.tanh(x_t + T.dot(h, w)), hidden, T.zeros((h,)), name="rnn"
    )
    cost = (states[-1] ** 2).sum()
    cost.name = "cost"
    updates = [(w, w - 0.1 * ss.grad(cost, w))]
    return ss.function([x], cost, updates=updates, name="train", **options)


VALUES = {"x": np.ones((5, 3), "float32")}
