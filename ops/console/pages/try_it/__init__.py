"""Try it: orders of every kind, made up and handed in, and the verdict on each as it comes."""
