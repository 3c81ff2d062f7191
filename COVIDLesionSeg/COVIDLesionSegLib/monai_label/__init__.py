"""The app for MONAI Label: its server gives CTs to the jobs of this software, and labels back.

Only :mod:`.app` and :mod:`.tasks` need the package monailabel, which only its server has.
"""
