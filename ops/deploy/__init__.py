"""Deployment of a stage: packaging the app, and the stacks that it is made of."""
