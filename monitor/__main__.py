"""``python -m monitor`` is the command ``monitor``."""

import sys

from monitor.cli import main

sys.exit(main())
