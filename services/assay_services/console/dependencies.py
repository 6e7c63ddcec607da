"""What all parts of the console share."""

from dataclasses import dataclass
from datetime import UTC, datetime, timedelta

from sqlalchemy import Engine

from assay_services.console.auth.openid import Provider
from assay_services.console.auth.sessions import Sessions
from assay_services.console.overview_feed import Live
from assay_services.console.pseudonyms import Naming
from assay_services.console.reviews.claims import Claims
from assay_services.console.reviews.decisions import Decisions
from assay_services.console.reviews.review_outbox import Outbox
from assay_services.console.settings import ConsoleSettings
from assay_services.console.system.dead_letter_resend import Sender
from assay_services.console.system.system_feed import Watch
from assay_services.stores.archive.engine import open_for_reading
from assay_services.stores.control.api_keys import Keys
from assay_services.stores.control.database import open_control
from assay_services.stores.control.users import Users
from assay_services.stores.control.vault import Vault
from assay_services.web.rate_limit import Rates


@dataclass(frozen=True, slots=True)
class Parts:
    """The databases and what speaks for them."""

    settings: ConsoleSettings
    archive: Engine
    control: Engine
    vault: Vault
    users: Users
    sessions: Sessions
    provider: Provider | None
    keys: Keys
    naming: Naming
    live: Live
    claims: Claims
    decisions: Decisions
    outbox: Outbox
    watch: Watch
    sender: Sender
    sign_in_rates: Rates
    api_rates: Rates


def build_parts(settings: ConsoleSettings) -> Parts:
    """Open what the console needs."""
    control, vault = open_control(settings), Vault(settings)
    decisions = Decisions(control)
    archive = open_for_reading(settings.database_url, timeout_seconds=settings.console_query_seconds)
    return Parts(
        settings=settings,
        archive=archive,
        control=control,
        vault=vault,
        users=Users(control),
        sessions=Sessions(control, lasting=timedelta(hours=settings.console_session_hours)),
        provider=Provider(settings, settings.oidc_issuer, vault) if settings.oidc_issuer else None,
        keys=Keys(control),
        naming=Naming(vault.derive("pseudonyms")),
        claims=Claims(control),
        decisions=decisions,
        outbox=Outbox(settings, decisions),
        live=Live(archive, control, now=lambda: datetime.now(UTC)),
        watch=Watch(settings, now=lambda: datetime.now(UTC)),
        sender=Sender(settings, archive, control),
        sign_in_rates=Rates(2.0),
        api_rates=Rates(settings.console_rate_per_second),
    )
