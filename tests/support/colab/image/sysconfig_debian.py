# --- added for the stand-in: the schemes of Debian and Ubuntu, in which pip's goal is /usr/local ---
_INSTALL_SCHEMES["posix_local"] = {
    "stdlib": "{installed_base}/{platlibdir}/python{py_version_short}",
    "platstdlib": "{platbase}/{platlibdir}/python{py_version_short}",
    "purelib": "{base}/local/lib/python{py_version_short}/dist-packages",
    "platlib": "{platbase}/local/lib/python{py_version_short}/dist-packages",
    "include": "{installed_base}/local/include/python{py_version_short}{abiflags}",
    "platinclude": "{installed_platbase}/local/include/python{py_version_short}{abiflags}",
    "scripts": "{base}/local/bin",
    "data": "{base}/local",
}
_upstream_preferred_schemes = _get_preferred_schemes


def _get_preferred_schemes():
    return {**_upstream_preferred_schemes(), "prefix": "posix_local"}
