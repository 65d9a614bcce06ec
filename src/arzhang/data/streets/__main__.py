"""One hand of many that draw streets: `python -m arzhang.data.streets FOLDER FIRST COUNT HEIGHT WIDTH START STOP`."""

import sys

from arzhang.data.streets import draw

if __name__ == "__main__":
    draw(sys.argv[1], *map(int, sys.argv[2:]))
