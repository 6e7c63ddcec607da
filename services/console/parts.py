"""What all parts of the console share."""

from dataclasses import dataclass
from datetime import UTC, datetime, timedelta

from sqlalchemy import Engine

from services.console.live import Live
from services.console.naming import Naming
from services.console.reviewing.claims import Claims
from services.console.reviewing.decisions import Decisions
from services.console.reviewing.outbox import Outbox
from services.console.settings import ConsoleSettings
from services.console.signing.openid import Provider
from services.console.signing.sessions import Sessions
from services.console.signing.users import Users
from services.console.system.sender import Sender
from services.console.system.watch import Watch
from services.runtime.control import Vault, open_control
from services.runtime.database import open_for_reading
from services.runtime.keys import Keys
from services.runtime.rates import Rates


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
