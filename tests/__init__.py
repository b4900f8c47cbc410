import os

# What tests restore is no business of this user's conda.
os.environ["CONDA_REGISTER_ENVS"] = "false"
