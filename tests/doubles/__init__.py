"""Doubles for faults that the real thing can't be made to have on demand."""
