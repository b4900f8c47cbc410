"""Tests that the restored environment's own Python runs: tests/environment/test_workbench.py starts them."""
