"""Exports of the lists of administrators."""
