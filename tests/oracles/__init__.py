"""Slow and obvious second opinions on what the recipes say, in standard-library Python."""
