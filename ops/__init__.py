"""The tools that developers and operators run from a checkout. Nothing of it is ever deployed."""
