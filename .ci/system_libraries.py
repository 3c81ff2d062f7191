"""Which system libraries are missing for drawing, for PDF files and for the Qt test bench.

    python3 .ci/system_libraries.py             one sentence and exit code 1 if any is missing
    python3 .ci/system_libraries.py --packages  only the Debian packages that are missing

Needs nothing but Python, so that it can speak before anything is installed.
"""

from __future__ import annotations

import ctypes
import glob
import sys

# Library to Debian or Ubuntu package. macOS brings its own.
LIBRARIES = {
    "libEGL.so.1": "libegl1",
    "libGL.so.1": "libgl1",
    "libdbus-1.so.3": "libdbus-1-3",
    "libfontconfig.so.1": "libfontconfig1",
    "libglib-2.0.so.0": "libglib2.0-0",
    "libharfbuzz-subset.so.0": "libharfbuzz-subset0",
    "libpango-1.0.so.0": "libpango-1.0-0",
    "libpangoft2-1.0.so.0": "libpangoft2-1.0-0",
    "libxkbcommon.so.0": "libxkbcommon0",
}
# libEGL loads its driver by path at run time; any one of these will do.
DRIVERS = ("/usr/lib*/dri/*_dri.so", "/usr/lib/*/dri/*_dri.so", "/usr/lib/*/libEGL_nvidia.so.0")
SOFTWARE_DRIVER = "libgl1-mesa-dri"


def missing_packages() -> list[str]:
    """Debian packages of what cannot be loaded; always empty outside Linux."""
    if not sys.platform.startswith("linux"):
        return []
    packages = [package for library, package in LIBRARIES.items() if not loads(library)]
    if not any(glob.glob(pattern) for pattern in DRIVERS):
        packages.append(SOFTWARE_DRIVER)
    return packages


def loads(library: str) -> bool:
    try:
        ctypes.CDLL(library)
    except OSError:
        return False
    return True


def main() -> int:
    packages = " ".join(missing_packages())
    if "--packages" in sys.argv[1:]:
        print(packages)
        return 0
    if packages:
        print(f"System libraries are missing: apt-get install -y {packages}", file=sys.stderr)
        return 1
    return 0


if __name__ == "__main__":
    sys.exit(main())
