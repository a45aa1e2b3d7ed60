"""Recommendation data of any size, in SQL: a build engine on DuckDB and the stages that it runs."""

__version__ = "0.1.0"
