"""Dead letters: which are in the queue and why, and what can be done about them."""
