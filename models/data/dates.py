"""Dates as people write them in 20 languages → ISO, by Babel (extra ``examples``)."""

from __future__ import annotations

from datetime import date, timedelta

import numpy as np
from babel.dates import format_date
from babel.localedata import exists

from symseq.errors import UsageError

LOCALES = tuple(
    "cs da de el en_GB en_US es fi fr hu id it ja ko nl pl pt_BR ru sv tr".split()
)
# The short one is left out: 3/4/21 is another day in New York than in Madrid.
FORMATS = ("medium", "long", "full")
MOST_DRAWS = 20  # for each date that is asked for
FIRST, LAST = date(1950, 1, 1), date(2049, 12, 31)

Dates = list[tuple[str, str]]


def dates(
    *counts: int, locales: tuple[str, ...] = LOCALES, seed: int = 0
) -> tuple[Dates, ...]:
    """Disjoint lists of `counts` dates, each as written in a locale and in ISO form.

    The day, the locale and its format (CLDR's medium, long or full) are drawn; no text
    is in two lists, and none twice in one.

    Raises: UsageError for a negative count, no locale, one that Babel does not know, or
        more dates than there are days in all locales or texts that they write.

    >>> dates(3, locales=("de", "ja"), seed=1)[0][0]
    ('1997年4月27日日曜日', '1997-04-27')
    """
    if min(counts, default=0) < 0 or not locales:
        raise UsageError(f"dates need counts and locales; got {counts} and {locales}")
    unknown = [locale for locale in locales if not exists(locale)]
    if unknown:
        raise UsageError(f"locales are Babel's, such as en_US; got {unknown}")
    rng, days = np.random.default_rng(seed), (LAST - FIRST).days + 1
    found: dict[str, str] = {}
    places = len(set(locales))
    if sum(counts) > days * places:
        raise UsageError(f"there are {days} days in {places} locales; got {counts}")
    left = MOST_DRAWS * sum(counts)
    while len(found) < sum(counts):
        if (left := left - 1) < 0:
            raise UsageError(
                f"the locales write only about {len(found):,} different dates; got "
                f"counts {counts}",
                hint="ask for fewer, or in more languages",
            )
        day = FIRST + timedelta(days=int(rng.integers(days)))
        locale = locales[rng.integers(len(locales))]
        style = FORMATS[rng.integers(len(FORMATS))]
        found[format_date(day, style, locale)] = day.isoformat()
    made = list(found.items())
    ends = np.cumsum(counts)
    return tuple(made[end - n : end] for end, n in zip(ends, counts, strict=True))
