"""For the tests and for every example that is executed: a window of 100 columns, whatever the real one is."""

import os

os.environ["COLUMNS"] = "100"
