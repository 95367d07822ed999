"""Files that other programs read and write: a table's steps and items as Parquet or as a Minari dataset."""

from heronry.datasets.formats import DatasetFormat, RunWriter, format_of, load_format

__all__ = ["DatasetFormat", "RunWriter", "format_of", "load_format"]
