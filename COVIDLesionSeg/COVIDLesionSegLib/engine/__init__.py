"""The numbers: CT in, lungs, lesions and severity out. Imports neither slicer, vtk nor qt."""
