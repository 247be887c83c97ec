"""``python -m symseq`` is the command ``symseq``."""

from symseq.cli.start import main

if __name__ == "__main__":
    main()
