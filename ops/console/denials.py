"""Refusals of AWS on a page: the right that the identity lacks, and the roles that have it."""

from __future__ import annotations

import re
from typing import TYPE_CHECKING

from ops.console.markup import join, tag
from ops.next_command import ops_command
from ops.roles.uses import PAGES

if TYPE_CHECKING:
    from collections.abc import Collection

    from markupsafe import Markup

    from ops.console.view import View
    from ops.roles.denial import Denial
    from ops.roles.rights import Role

ANY = re.compile(r"\{\w+\}")
"""A part of a route that each address of it has its own value for."""


def denial_sentences(view: View, denial: Denial) -> list[str]:
    """Say which right is missing, who has it, and what to do."""
    t = view.t
    lacks = t("denied.lacks", action=denial.action)
    if denial.explicit:
        return [lacks, t("denied.explicit")]
    roles = denial.among(_roles_for(view.path)).roles
    if not roles:
        return [lacks, t("denied.nobody")]
    command = ops_command("policy", role=roles[0], stage=view.console.stage)
    having = t("denied.roles", roles=", ".join(roles))
    items = [t("denied.items", keys=", ".join(denial.keys))] if denial.keys else []
    return [lacks, having, *items, t("denied.policy", command=command)]


def denial_words(view: View, denial: Denial) -> str:
    """Say it in plain text."""
    return " ".join(denial_sentences(view, denial))


def denial_parts(view: View, denial: Denial) -> Markup:
    """Say it in the parts of a notice."""
    sentences = [tag("p", sentence) for sentence in denial_sentences(view, denial)]
    return join(tag("strong", view.t("denied.title")), *sentences)


def _roles_for(path: str) -> Collection[Role]:
    """Tell which roles the page at a path is for."""
    return next((PAGES[page] for page in PAGES if re.fullmatch(ANY.sub("[^/]+", page), path)), ())
