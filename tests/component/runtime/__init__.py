"""The moved kernel in parts: real kernels, no Colab machine."""
