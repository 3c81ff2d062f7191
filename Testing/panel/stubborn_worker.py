"""A worker that is hard to end: it ignores polite signals and has a child that does, too."""

import json
import signal
import subprocess
import sys
import time

signal.signal(signal.SIGTERM, signal.SIG_IGN)
forever = "import signal, time; signal.signal(signal.SIGTERM, signal.SIG_IGN); time.sleep(600)"
child = subprocess.Popen([sys.executable, "-c", forever])
print("a library greets the world")
print(json.dumps([1, 2]))
print(json.dumps({"stage": "child", "fraction": 0.1, "message": str(child.pid)}), flush=True)
sys.stdout.write('{"stage": "half a li')
sys.stdout.flush()
time.sleep(600)
