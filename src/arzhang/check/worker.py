"""The process in which a user's file runs: `python -m arzhang.check.worker`, started by `sandbox`, which reads what it
leaves: findings as JSON, the line at which it was stuck, what it printed."""

import contextlib
import json
import os
import sys
from dataclasses import asdict
from pathlib import Path


def main() -> None:
    """Load all of torch and of Arzhang first; then give up what is not needed, and run the user's file."""
    request = json.loads(sys.argv[1])
    out = Path(request["out"])
    import torch

    from arzhang.check import checks
    from arzhang.check.confinement import confine
    from arzhang.check.exercises import exercise

    torch.set_num_threads(1)
    asked = exercise(request["id"])
    with (
        (out / "result.json").open("w", encoding="utf-8") as result,
        (out / "stuck.txt").open("w", encoding="utf-8") as stuck,
    ):
        (out / "started").touch()
        sys.path.insert(0, str(Path(request["path"]).parent))  # the user's other files
        confine(Path.cwd(), request["seconds"], request["memory"], stuck)
        found = checks.examine(asked, Path(request["path"]), request["name"], request["piece"])
        wrote = sorted(str(p.relative_to(Path.cwd())) for p in Path.cwd().rglob("*") if p.is_file())
        json.dump({"results": [asdict(one) for one in found], "wrote": wrote}, result)
        result.flush()
        with contextlib.suppress(OSError, ValueError):  # it may have closed it, or filled it
            sys.stdout.flush()
        os._exit(0)  # no exit handlers, threads or destructors of the user's


if __name__ == "__main__":
    main()
