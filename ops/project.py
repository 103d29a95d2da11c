"""Paths of the project: the checkout's root, and files by their path below a project's root."""

from pathlib import Path

PROJECT_ROOT = Path(__file__).resolve().parents[1]

CONFIG = ".chalice/config.json"
MERGE_TEMPLATE = "infrastructure/merge-template.yaml"
EVENTS_MERGE_TEMPLATE = "infrastructure/merge-template-events.yaml"
SEALS_MERGE_TEMPLATE = "infrastructure/merge-template-seals.yaml"
# Each for a function that a stage has only if it asks for it.
OPTIONAL_MERGE_TEMPLATES = (EVENTS_MERGE_TEMPLATE, SEALS_MERGE_TEMPLATE)
RESOURCES_TEMPLATE = "infrastructure/resources.yaml"

# Beside what `make run` keeps: every local stage of the checkout signs with it, a fresh one too.
LOCAL_SEAL_KEY = PROJECT_ROOT / ".orders-local-key" / "seal-key.pem"
