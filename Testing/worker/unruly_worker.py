"""A worker whose children leave its group, its session and the family."""

import json
import os
import subprocess
import sys
import time

SLEEP = [sys.executable, "-c", "import time; time.sleep(600)"]

own_session = subprocess.Popen(SLEEP, start_new_session=True)
# A child of a child whose parent is gone: nothing but its environment tells where it came from.
parent = subprocess.run(
    [
        sys.executable,
        "-c",
        f"import subprocess; print(subprocess.Popen({SLEEP!r}, start_new_session=True, "
        "stdout=subprocess.DEVNULL, stderr=subprocess.DEVNULL).pid)",
    ],
    capture_output=True,
    text=True,
    check=True,
)
pids = [own_session.pid, int(parent.stdout)]
print(json.dumps({"stage": "children", "fraction": 0.0, "message": str(pids)}), flush=True)
if "end" in os.environ.get("UNRULY", ""):
    sys.exit(0)
time.sleep(600)
