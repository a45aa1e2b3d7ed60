"""Slow and obvious second opinions on what the recipes say, in plain Python, pandas and numpy."""
