# Stands for the user's own configuration; empty on a new Colab machine.
c = get_config()
