"""What the page's tooltips say of an object: never its repr, which could take long."""

import contextlib
import inspect

from IPython.core import oinspect
from IPython.utils import dir2


class ColabInspector(oinspect.Inspector):
    """IPython 7's, with an answer of its own; it has none of the keys that IPython 8 added."""

    def info(self, obj, oname="", formatter=None, info=None, detail_level=0):
        """What is known of an object, as IPython 7's fields."""
        found = {
            "name": oname,
            "found": True,
            "type_name": "Magic function" if getattr(info, "ismagic", False) else type(obj).__name__,
            "string_form": f"{type(obj).__name__} object" if detail_level >= self.str_detail_level else None,
            "docstring": inspect.getdoc(obj) or "<no docstring>",
            "ismagic": getattr(info, "ismagic", False),
            "isalias": False,
            "namespace": getattr(info, "namespace", ""),
        }
        if detail_level == 1:
            with contextlib.suppress(TypeError):
                found["source"] = oinspect.getsource(obj)
        if dir2.safe_hasattr(obj, "__call__"):
            found["definition"] = self._getdef(obj, oname)
        return oinspect.object_info(**found)
