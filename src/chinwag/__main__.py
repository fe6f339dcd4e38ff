"""`python -m chinwag` is the `chinwag` command."""

from chinwag.cli import main

if __name__ == "__main__":
    main()
