"""Names of territories, languages and currencies, each with its language.

The names come from the Unicode Common Locale Data Repository (CLDR), as the package
Babel ships it. Babel is in the extra ``examples``.
"""

from __future__ import annotations

from collections import defaultdict
from collections.abc import Iterator, Sequence

from babel import Locale

from symseq.errors import UsageError

from .sequences import Examples

# Languages of Latin script, by their codes in CLDR.
LANGUAGES = {
    "cs": "Czech",
    "da": "Danish",
    "de": "German",
    "en": "English",
    "es": "Spanish",
    "et": "Estonian",
    "fi": "Finnish",
    "fr": "French",
    "hu": "Hungarian",
    "is": "Icelandic",
    "it": "Italian",
    "nb": "Norwegian",
    "nl": "Dutch",
    "pl": "Polish",
    "pt": "Portuguese",
    "ro": "Romanian",
    "sv": "Swedish",
    "tr": "Turkish",
}


def names_of(code: str) -> Iterator[str]:
    """Every territory, language and currency in the words of one language."""
    locale = Locale.parse(code)
    for table in (locale.territories, locale.languages, locale.currencies):
        for name in table.values():
            yield str(name).strip().lower()


def names(languages: Sequence[str] = tuple(LANGUAGES)) -> Examples:
    """Names in lower case that belong to exactly one of `languages`.

    "polska" is Polish; "angola", the same in many languages, is left out, and so are
    single letters and numbers.

    Raises: UsageError for a code that is not in ``LANGUAGES``.
    """
    unknown = [code for code in languages if code not in LANGUAGES]
    if unknown:
        raise UsageError(
            f"languages must be among {', '.join(LANGUAGES)}; got {', '.join(unknown)}"
        )
    owners: defaultdict[str, set[int]] = defaultdict(set)
    for number, code in enumerate(languages):
        for name in names_of(code):
            if len(name) > 1 and not name.isdigit():
                owners[name].add(number)
    own = sorted((name, min(who)) for name, who in owners.items() if len(who) == 1)
    return Examples(
        tuple(name for name, _ in own),
        tuple(number for _, number in own),
        tuple(LANGUAGES[code] for code in languages),
    )
