"""The costs of orders on AWS, from measured figures and a price list."""
