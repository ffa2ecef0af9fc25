"""Networks in files: our own format, and later those of others."""

from slidesum.read.document import from_json, to_json
from slidesum.read.saved import load, save

__all__ = ["from_json", "load", "save", "to_json"]
