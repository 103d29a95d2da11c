"""The partition keys of the audit trail: no order can have one, and no index shows it."""

PREFIX = "#audit/"
