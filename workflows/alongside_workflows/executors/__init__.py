"""Who carries runs out: the contract is in `base`, one module or package for each."""
