"""The namespace that ``google.colab`` shares with google-auth and protobuf; old-style, as Colab's own is."""

try:
    import pkg_resources

    pkg_resources.declare_namespace(__name__)
except ImportError:
    import pkgutil

    __path__ = pkgutil.extend_path(__path__, __name__)
