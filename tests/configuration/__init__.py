"""
The configuration that tests run with, and those of others that they must hold with.

Whoever deploys the system changes the checkout's `.chalice`: recorded resources, settings, stages.
So tests bring a configuration of their own, and `guard` refuses them the checkout's. A test that
judges the checkout's has the mark `any_configuration`, and runs over the configurations of others.
"""
