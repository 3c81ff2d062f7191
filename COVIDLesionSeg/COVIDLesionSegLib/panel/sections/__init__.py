"""The sections of the panel, one file and one ``.ui`` file each."""
