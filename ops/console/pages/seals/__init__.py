"""The page of the seals."""
