"""Input from people who mean harm, or whose software does."""
