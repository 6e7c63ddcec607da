"""The objects that all parts of the console share."""

from dataclasses import dataclass
from datetime import UTC, datetime, timedelta

from sqlalchemy import Engine

from assay_services.console.auth.openid import Provider
from assay_services.console.auth.sessions import Sessions
from assay_services.console.overview_feed import OverviewFeed
from assay_services.console.pseudonyms import Naming
from assay_services.console.reviews.claims import Claims
from assay_services.console.reviews.decisions import Decisions
from assay_services.console.reviews.review_outbox import ReviewOutbox
from assay_services.console.settings import ConsoleSettings
from assay_services.console.system.dead_letter_resend import DeadLetterSender
from assay_services.console.system.system_feed import SystemFeed
from assay_services.stores.archive.engine import open_for_reading
from assay_services.stores.control.api_keys import ApiKeyStore
from assay_services.stores.control.database import open_control
from assay_services.stores.control.users import UserStore
from assay_services.stores.control.vault import Vault
from assay_services.web.rate_limit import RateLimiter


@dataclass(frozen=True, slots=True)
class ConsoleDependencies:
    """The databases and the objects that use them."""

    settings: ConsoleSettings
    archive: Engine
    control: Engine
    vault: Vault
    users: UserStore
    sessions: Sessions
    provider: Provider | None
    keys: ApiKeyStore
    naming: Naming
    overview_feed: OverviewFeed
    claims: Claims
    decisions: Decisions
    outbox: ReviewOutbox
    watch: SystemFeed
    sender: DeadLetterSender
    sign_in_rates: RateLimiter
    api_rates: RateLimiter


def build_parts(settings: ConsoleSettings) -> ConsoleDependencies:
    """Open the databases and build everything the console needs."""
    control, vault = open_control(settings), Vault(settings)
    decisions = Decisions(control)
    archive = open_for_reading(settings.database_url, timeout_seconds=settings.console_query_seconds)
    return ConsoleDependencies(
        settings=settings,
        archive=archive,
        control=control,
        vault=vault,
        users=UserStore(control),
        sessions=Sessions(control, lasting=timedelta(hours=settings.console_session_hours)),
        provider=Provider(settings, settings.oidc_issuer, vault) if settings.oidc_issuer else None,
        keys=ApiKeyStore(control),
        naming=Naming(vault.derive("pseudonyms")),
        claims=Claims(control),
        decisions=decisions,
        outbox=ReviewOutbox(settings, decisions),
        overview_feed=OverviewFeed(archive, control, now=lambda: datetime.now(UTC)),
        watch=SystemFeed(settings, now=lambda: datetime.now(UTC)),
        sender=DeadLetterSender(settings, archive, control),
        sign_in_rates=RateLimiter(2.0),
        api_rates=RateLimiter(settings.console_rate_per_second),
    )
