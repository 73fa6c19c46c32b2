"""`python -m maritime.cli`."""

from maritime.cli import main

main()
