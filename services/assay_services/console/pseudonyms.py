"""Names of annotators for viewers who may see them, and stable pseudonyms for all others."""

import hashlib
import hmac
from collections.abc import Iterable
from dataclasses import dataclass

from assay_schemas.annotation import AnnotatorId
from assay_services.console.auth.sessions import Viewer
from assay_services.stores.control.tables.accounts import Role

_BYTES = 4


@dataclass(frozen=True, slots=True)
class Naming:
    """Pseudonyms derived from a secret key of this installation; without the key they cannot be computed."""

    key: bytes

    def sees_names(self, viewer: Viewer) -> bool:
        """Return whether a viewer may see annotators' names."""
        return viewer.may(Role.LEAD)

    def shown(self, name: AnnotatorId, viewer: Viewer) -> str:
        """Return the name or pseudonym under which a viewer sees an annotator."""
        return name if self.sees_names(viewer) else self._pseudonym(name)

    def meant(self, shown: str, viewer: Viewer, *, known: Iterable[AnnotatorId]) -> AnnotatorId | None:
        """Return the annotator behind a shown name or pseudonym; None if no known annotator has it."""
        if self.sees_names(viewer):
            return AnnotatorId(shown)
        return next((name for name in known if self._pseudonym(name) == shown), None)

    def _pseudonym(self, name: AnnotatorId) -> str:
        digest = hmac.new(self.key, name.encode(errors="surrogatepass"), hashlib.sha256)
        return f"annotator {digest.hexdigest()[: 2 * _BYTES]}"
