"""Ordinary Python before, beside and after the hot loop."""
