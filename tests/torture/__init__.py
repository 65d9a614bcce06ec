"""What a long training must live through and what a stranger's file must not do: kills, full disks, broken files.

`make torture` runs all of it and writes its counts into docs/reliability.md; `make test` runs a short form.
"""
