"""Colab's part of its Jupyter server: memory and disk of the machine, and where the page asks for them."""

import httplib2
import psutil


def usage():
    """Bytes of memory and of disk that are in use."""
    return {"memory": psutil.virtual_memory().used, "disk": psutil.disk_usage("/").used}


def load(server):
    """Tells the log which way the page would ask."""
    server.log.info("google.colab: %s over %s", ", ".join(usage()), httplib2.__name__)
