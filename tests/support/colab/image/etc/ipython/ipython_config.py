# Stands for the configuration that a Colab machine brings for every kernel.
c = get_config()
c.InteractiveShellApp.extensions = ["google.colab"]
c.InlineBackend.figure_formats = {"png"}
c.IPCompleter.use_jedi = False
