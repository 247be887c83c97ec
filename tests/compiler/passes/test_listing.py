"""The page of the rewrites lists every rule with its equation."""

from pathlib import Path

from symseq.compiler.passes.listing import table

PAGE = Path(__file__).parents[3] / "docs/design/rewrites.md"


def test_the_page_is_up_to_date():
    assert table() in PAGE.read_text(), "paste the output of listing.table()"


def test_every_rule_has_an_equation():
    for line in table().splitlines()[2:]:
        assert "→" in line or "cast" in line, line
