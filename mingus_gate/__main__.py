"""`python -m mingus_gate` is the command `mingus-gate`."""

import sys

from mingus_gate.cli import main

sys.exit(main())
