"""Google Sheets: needs gspread, which is imported with this module only."""

import gspread

from google.colab import errors

__all__ = ["InteractiveSheet"]


class InteractiveSheet:
    """A sheet beside a data frame."""

    def __init__(self, df=None, title=""):
        raise errors.NotHereError(f"the stand-in has no Google Sheets (gspread {gspread.__version__} is there)")
