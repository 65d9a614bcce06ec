"""Persian meanings of the options that pages list; in English they are the options' own docstrings."""

MEANINGS: dict[str, str] = {}
