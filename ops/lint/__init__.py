"""Rules that a stage must keep, on its templates before it is deployed and on AWS afterwards."""
