"""Measure, and write the tables and pictures of a page."""
