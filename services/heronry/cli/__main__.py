"""`python -m heronry.cli`."""

import sys

from heronry.cli.main import main

if __name__ == "__main__":
    sys.exit(main())
