"""Measurements of restoring, beside other installers and the least that the work can cost.

``python -m benchmarks.restore`` measures; nothing here is part of the package, and no test asserts a time.
"""

import os

# What benchmarks restore is no business of this user's conda.
os.environ["CONDA_REGISTER_ENVS"] = "false"
