"""COVIDLesionSeg: lungs, COVID-19 lesions, severity and 3D infection model from a chest CT.

Floors, each importing only from those below it::

    panel   cli       Qt panel in Slicer; commands in a terminal
      |    /   \\
     scene   headless MRML nodes; Slicer's own MRML without the Slicer application
       \\    /
       engine         numbers: numpy, SimpleITK, torch, MONAI

Research software: not a medical device, not for clinical decisions.
"""

__version__ = "0.2.0"

HOMEPAGE = "https://github.com/COVIDLesionSeg/COVIDLesionSeg"

RESEARCH_USE_NOTICE = (
    "Research software: not a medical device. Results must not be used for clinical decisions."
)
