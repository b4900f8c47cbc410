"""Stands for Colab's own launcher: ``python3 -m colab_kernel_launcher -f CONNECTION_FILE``."""

from google.colab import _kernel
from ipykernel import kernelapp

if __name__ == "__main__":
    kernelapp.IPKernelApp.launch_instance(kernel_class=_kernel.Kernel)
