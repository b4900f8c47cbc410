"""Charts that the page suggests for a data frame."""

__all__ = ["quickchart"]


def quickchart(df):
    """Shows one chart; needs seaborn, which is imported only here."""
    import seaborn
    from matplotlib import pyplot

    seaborn.histplot(df.select_dtypes("number"))
    pyplot.show()
