"""Random programs and the table of loops stand with the tests of their own parts."""

import sys
from pathlib import Path

TESTS = Path(__file__).parents[2]
for folder in ("compiler", "symseq/scan"):
    if str(TESTS / folder) not in sys.path:
        sys.path.append(str(TESTS / folder))
