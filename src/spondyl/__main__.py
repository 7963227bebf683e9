"""`python -m spondyl`, for where the program `spondyl` is not on the path."""

from spondyl.cli import main

if __name__ == "__main__":
    main()
