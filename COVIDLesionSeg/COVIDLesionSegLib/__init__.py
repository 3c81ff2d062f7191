"""COVIDLesionSeg: lungs, COVID-19 lesions, severity and 3D infection model from a chest CT.

:mod:`COVIDLesionSegLib.jobs` is the Python API. CONTRIBUTING.md has the map of the code.

Research software: not a medical device, not for clinical decisions.
"""

__version__ = "0.2.0"

HOMEPAGE = "https://github.com/COVIDLesionSeg/COVIDLesionSeg"

RESEARCH_USE_NOTICE = (
    "Research software: not a medical device. Results must not be used for clinical decisions."
)
