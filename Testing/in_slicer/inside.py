"""What run.py starts inside the application.

It runs as ``__main__`` there, which is the application's own namespace: everything is in driver.py.
"""

import sys
from pathlib import Path

sys.path.insert(0, str(Path(__file__).resolve().parent))

import driver  # noqa: E402

driver.main()
