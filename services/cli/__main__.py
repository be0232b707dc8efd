"""``python -m services.cli``: the command ``movie-search``."""

from services.cli import main

main()
