"""What is asked before the first run: packages to install and licences to accept, in one dialog."""

from __future__ import annotations

from collections.abc import Iterable
from typing import TYPE_CHECKING

import slicer
from slicer.i18n import tr as _

from ...engine.errors import DependencyError, ModelError
from ...engine.text import printable
from . import dependencies
from .dependencies import REQUESTER, check_installable, offline_help, sizes_text
from .licences import approve, licences_to_ask_about, terms_link, terms_text

if TYPE_CHECKING:
    from ...engine.models.catalogue import Model
    from ...engine.parameters import Parameters


def ask_before_first_use(
    models: Iterable[Model], parameters: Parameters, also: tuple[str, ...] = ()
) -> None:
    """Ask once about everything that is new; nothing is installed yet.

    Args:
        models: Models of the run to come.
        parameters: Parameters of the run to come.
        also: More pip requirements, as of a training.

    Raises:
        DependencyError: Packages are missing and cannot be installed, or the user did not agree.
        ModelError: The user did not accept a licence; nothing is remembered.
    """
    missing = dependencies.missing_requirements(parameters, also)
    check_installable(missing)  # without it the question would be in vain
    licences = licences_to_ask_about(models)
    if not missing and not licences:
        return
    paragraphs, details = [], []
    if missing:
        paragraphs += [
            _("Lesions are segmented with Python packages that are not installed yet:"),
            sizes_text(missing),
            _(
                "They are downloaded and installed into Slicer's Python, PyTorch by the extension "
                "PyTorch; this takes minutes."
            ),
        ]
        details.append(offline_help())
    for licence, its_models in licences.items():
        paragraphs.append(terms_text(licence, its_models))
        details.append(terms_link(licence))
    if missing and licences:
        paragraphs.append(_("Do you accept these terms, and install the packages now?"))
        title = _("{requester} - Before the first result").format(requester=REQUESTER)
    elif missing:
        paragraphs.append(_("Install them now?"))
        title = _("{requester} - Install Python packages").format(requester=REQUESTER)
    else:
        paragraphs.append(_("Do you accept these terms? You are asked once."))
        title = _("Licence of the model")
    if not slicer.util.confirmOkCancelDisplay(
        "\n\n".join(paragraphs), title, detailedText="\n\n".join(details)
    ):
        raise _declined(bool(missing), list(licences))
    for licence in licences:
        approve(licence)


def _declined(packages: bool, licences: list[str]) -> DependencyError | ModelError:
    if not licences:
        return DependencyError(
            _("The Python packages were not installed: try again to be asked again.")
        )
    named = ", ".join(map(printable, licences))
    if packages:
        return DependencyError(
            _(
                "The licence {licence} was not accepted and no package was installed, so nothing "
                "was run: try again to be asked again."
            ).format(licence=named)
        )
    return ModelError(
        _(
            "The licence {licence} was not accepted, so nothing was run: try again to be asked "
            "again, or choose a model with another licence."
        ).format(licence=named)
    )
