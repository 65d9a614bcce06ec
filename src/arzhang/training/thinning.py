"""What a long course keeps of its past: all that is recent, and of what lies further back ever less, by powers of two.

What is kept is a function of the places and of now alone, and whatever is kept later was kept before: so a run that was
stopped, and goes on, ends with the very rows of one that was not.
"""


def level(place: int, now: int, spacing: int, recent: int) -> int:
    """How sparse a course is at a place, seen from `now`: of 2^level intervals of length `spacing` one row is kept.

    Level 0 are the last `recent` intervals, level 1 about as many again, level 2 twice as many, and so on. Places in
    one interval of 2^level have one level, and the intervals of an earlier `now` lie within those of a later one.

    >>> [level(place, 100, 1, 10) for place in (99, 85, 75, 50, 0)]
    [0, 1, 2, 3, 4]
    """
    unit, found = place // spacing, 0
    while now // spacing - ((unit >> (found + 1)) + 1) * 2 ** (found + 1) >= recent * 2**found:
        found += 1
    return found


def interval(place: int, now: int, spacing: int, recent: int) -> tuple[int, int] | None:
    """The interval of which one row is kept, by level and number; None where every row is."""
    found = level(place, now, spacing, recent)
    return (found, place // spacing >> found) if found else None


def most(now: int, spacing: int, recent: int) -> int:
    """A bound of the intervals kept at `now`, from its logarithm.

    >>> most(100_000, 1, 1000) >= len({interval(i, 100_000, 1, 1000) or (0, i) for i in range(100_000)})
    True
    """
    units = now // spacing + 1
    levels = max(0, (units // recent).bit_length())
    return min(units, recent + 2 + (recent // 2 + 2) * levels)
