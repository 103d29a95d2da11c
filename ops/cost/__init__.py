"""What a number of orders costs on AWS, by what was measured and by a price list."""
