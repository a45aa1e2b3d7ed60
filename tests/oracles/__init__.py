"""Slow and obvious second opinions on what the recipes say: the standard library, pandas and numpy where they are plainer."""
