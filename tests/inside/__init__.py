"""Tests that the restored environment's own Python runs: tests/integration/test_workbench.py starts them."""
