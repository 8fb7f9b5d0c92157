"""`make run`, from the outside."""
