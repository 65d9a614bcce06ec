"""The exercises as `arzhang check --show` shows them and `--blanks` hands them out; nothing imports them."""
