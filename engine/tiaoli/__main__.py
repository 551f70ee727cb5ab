"""`python -m tiaoli` is the command line."""

from tiaoli.apps.cli import script

script()
