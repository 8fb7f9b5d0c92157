"""The double of the Arkouda server. It imports nothing of this project: it also runs alone."""
