"""`python -m fastinit`."""

import sys

from fastinit.commands.main import main

if __name__ == "__main__":
    sys.exit(main())
