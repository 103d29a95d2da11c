"""Every schedule of concurrent deliveries and failures, over a simulated AWS."""
