"""`python -m arzhang`, where the command itself is not on the path."""

import sys

from arzhang.cli import main

if __name__ == "__main__":
    sys.exit(main())
