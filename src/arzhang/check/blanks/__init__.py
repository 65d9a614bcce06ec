"""The exercises as they are handed out: what `arzhang check --show` shows and `--blanks` writes. Nothing imports them."""
