"""`python -m tiaoli` is the command line."""

from tiaoli.apps.entry import script

script()
