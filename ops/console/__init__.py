"""The operators' console: a web page on the operator's own machine, over the services of ops.desk."""
