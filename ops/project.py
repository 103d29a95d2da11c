"""Paths of the project: the checkout's root, and files by their path below a project's root."""

from pathlib import Path

PROJECT_ROOT = Path(__file__).resolve().parents[1]

CONFIG = ".chalice/config.json"
MERGE_TEMPLATE = "infrastructure/merge-template.yaml"
EVENTS_MERGE_TEMPLATE = "infrastructure/merge-template-events.yaml"
RESOURCES_TEMPLATE = "infrastructure/resources.yaml"
