"""What annotators are called: by name to those who may see names, else by a pseudonym that stays the same."""

import hashlib
import hmac
from collections.abc import Iterable
from dataclasses import dataclass

from assay_services.console.auth.sessions import Viewer
from assay_services.stores.control.tables.accounts import Role

_BYTES = 4


@dataclass(frozen=True, slots=True)
class Naming:
    """Pseudonyms from a key of this installation: they cannot be worked out without it."""

    key: bytes

    def sees_names(self, viewer: Viewer) -> bool:
        """Tell whether somebody may see annotators' names."""
        return viewer.may(Role.LEAD)

    def shown(self, name: str, viewer: Viewer) -> str:
        """Return what an annotator is called before this viewer."""
        return name if self.sees_names(viewer) else self._pseudonym(name)

    def meant(self, shown: str, viewer: Viewer, *, known: Iterable[str]) -> str | None:
        """Return the annotator whom a viewer means; None where nobody is called so before them."""
        if self.sees_names(viewer):
            return shown
        return next((name for name in known if self._pseudonym(name) == shown), None)

    def _pseudonym(self, name: str) -> str:
        digest = hmac.new(self.key, name.encode(errors="surrogatepass"), hashlib.sha256)
        return f"annotator {digest.hexdigest()[: 2 * _BYTES]}"
