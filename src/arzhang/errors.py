"""What Arzhang says when it cannot go on: one clear line for the user, never a traceback."""


class ArzhangError(Exception):
    """Something outside the program failed: what was wrong, where, and what to do. Exit code 1."""


class UsageError(ArzhangError, ValueError):
    """What was asked for makes no sense: the option, the value given, and the values that do. Exit code 2."""
