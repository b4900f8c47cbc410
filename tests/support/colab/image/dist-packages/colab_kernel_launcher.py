"""Stands for Colab's own launcher: ``python3 -m colab_kernel_launcher -f CONNECTION_FILE``.

The kernel's class comes from /etc/ipython/ipython_config.py.
"""

from ipykernel.kernelapp import IPKernelApp


class ColabKernelApp(IPKernelApp):
    """ipykernel's application, whose broadcasts are never dropped."""

    def init_iopub(self, context):
        """As many messages may wait as there are."""
        super().init_iopub(context)
        self.iopub_thread.socket.hwm = 0


if __name__ == "__main__":
    ColabKernelApp.launch_instance()
