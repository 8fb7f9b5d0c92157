"""One detached process a run: it starts the steps, notes what becomes of them, and ends with it."""
