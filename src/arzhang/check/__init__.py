"""A tutor: a user's own answer to an exercise of the assignment, run, compared with the exact truth, and explained."""

from arzhang.check.course import check, write_blanks
from arzhang.check.exercises import shown
from arzhang.check.sandbox import Limits

__all__ = ["Limits", "check", "shown", "write_blanks"]
