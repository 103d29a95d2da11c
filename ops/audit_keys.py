"""The partition keys of the audit trail: no order can have one, and no index shows it."""

from chalicelib.services.leaves import ENTRIES_PREFIX

PREFIX = ENTRIES_PREFIX
