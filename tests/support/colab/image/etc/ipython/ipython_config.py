# Stands for the configuration that a Colab machine brings for every kernel.
c = get_config()
c.IPKernelApp.kernel_class = "google.colab._kernel.Kernel"
c.InteractiveShellApp.extensions = ["google.colab"]
c.InteractiveShellApp.reraise_ipython_extension_failures = True
