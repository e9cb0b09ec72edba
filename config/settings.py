"""Every setting, once, with its unit. Read from the environment; whatever is not set has a default that works.

`TRACEBINDER_PROCESS` says which process this is, and with it which database role it gets:
`web` and `worker` may insert and read, `log` alone may put anything into the log and sign it, `interpret` may only
carry out probe runs, `owner` may change the schema.
"""

from __future__ import annotations

import os
import secrets
import sys
from datetime import timedelta
from pathlib import Path
from typing import Any
from urllib.parse import unquote, urlsplit

import django_stubs_ext

from config import embedded
from config.env import (
    ConfigurationError,
    env_bool,
    env_form,
    env_int,
    env_list,
    env_pairs,
    env_str,
    refuse_no_witnesses,
    refuse_unread,
)
from config.key_addresses import refuse_unusable_keys
from config.production import Start, refuse_unsafe
from config.sign_in.provider.settings_check import ProviderSettings, refuse_unusable_provider
from evidence.nearest import hint_at, nearest_name

django_stubs_ext.monkeypatch()  # lets `Paginator[Any]` and `ModelAdmin[Trace]` be written where Django is not generic

BASE_DIR = Path(__file__).resolve().parent.parent
# Everything embedded services and blobs write; absolute, because servers work in folders of their own.
VAR = Path(env_str("TRACEBINDER_VAR", str(BASE_DIR / "var"))).absolute()
VERSION = "0.1.0"

PROCESS = env_str("TRACEBINDER_PROCESS", "web")
_ROLES = {
    "web": ("DATABASE_URL", embedded.WEB_ROLE),
    "worker": ("DATABASE_URL", embedded.WEB_ROLE),
    "log": ("DATABASE_LOG_URL", embedded.SIGNER_ROLE),
    "interpret": ("DATABASE_INTERPRET_URL", embedded.PROBE_ROLE),
    "owner": ("DATABASE_OWNER_URL", embedded.OWNER_ROLE),
}
WORKERS = {"worker", "log", "interpret"}  # the processes that answer no request
if PROCESS not in _ROLES:
    meant = hint_at(nearest_name(PROCESS, _ROLES))
    raise ConfigurationError(f"TRACEBINDER_PROCESS is one of {', '.join(_ROLES)}, not {PROCESS!r}; {meant}")

# A database host that is gone sends no goodbye; without these a request would wait for it for a quarter of an hour.
DATABASE_CONNECT_TIMEOUT = env_int("TRACEBINDER_DATABASE_CONNECT_TIMEOUT", 5)  # seconds
DATABASE_SILENCE = env_int("TRACEBINDER_DATABASE_SILENCE", 30)  # seconds without a sign of life
# Whether the server may keep plans of statements for a connection. False behind a pooler that hands a connection of its
# own to each transaction and knows no prepared statements (PgBouncer before 1.21).
DATABASE_PREPARES = env_bool("TRACEBINDER_DATABASE_PREPARES", default=True)

# A process needs the URL of its own role alone: a worker that runs probes is not told that of the web.
_DATABASE_URLS = [env_str(variable, "") for variable, _ in _ROLES.values()]
DATABASE_IS_EMBEDDED = not any(_DATABASE_URLS)
REDIS_IS_EMBEDDED = not env_str("REDIS_URL", "")


def _database_url() -> str:
    variable, role = _ROLES[PROCESS]
    if DATABASE_IS_EMBEDDED:
        return embedded.read_plan(VAR).database_url(role)
    url = env_str(variable, "")
    if not url:
        raise ConfigurationError(
            f"The database is one of your own, so this {PROCESS} process needs {variable}: the URL of the role that "
            f"it runs as. docs/guides/operator.md says which rights each role has."
        )
    return url


def _database(url: str) -> dict[str, Any]:
    parts = urlsplit(url)
    if parts.scheme not in {"postgres", "postgresql"}:
        raise ConfigurationError(f"the database URL must begin with postgresql://, not {parts.scheme}://")
    return {
        "ENGINE": "django.db.backends.postgresql",
        "NAME": parts.path.lstrip("/"),
        "USER": unquote(parts.username or ""),
        "PASSWORD": unquote(parts.password or ""),
        "HOST": parts.hostname or "",
        "PORT": str(parts.port or ""),
        "CONN_MAX_AGE": None,  # seconds; None keeps a connection as long as the process
        "CONN_HEALTH_CHECKS": True,
        "OPTIONS": {
            "connect_timeout": DATABASE_CONNECT_TIMEOUT,
            "tcp_user_timeout": DATABASE_SILENCE * 1000,  # milliseconds
            "keepalives_idle": DATABASE_SILENCE // 2,
            "keepalives_interval": max(1, DATABASE_SILENCE // 8),
            "keepalives_count": 4,  # unanswered ones until the connection counts as lost
        },
        "TEST": {"NAME": f"test_{parts.path.lstrip('/')}"},
    }


DATABASES = {"default": _database(_database_url())}
RUNTIME_ROLE = env_str("TRACEBINDER_RUNTIME_ROLE", embedded.RUNTIME_ROLE)  # group role of web and workers
# Group role of interpret workers.
INTERPRET_ROLE = env_str("TRACEBINDER_INTERPRET_ROLE", embedded.INTERPRET_ROLE)
# Group role of the log worker: what sequences and signs acts as it.
LOG_ROLE = env_str("TRACEBINDER_LOG_ROLE", embedded.LOG_ROLE)
# Every role that may do anything with the tables, but for the groups and the maker of the cluster: `verify_log` names
# others.
DATABASE_LOGINS = env_list(
    "TRACEBINDER_DATABASE_LOGINS",
    [embedded.OWNER_ROLE, embedded.WEB_ROLE, embedded.PROBE_ROLE, embedded.SIGNER_ROLE],
)

REDIS_URL = embedded.read_plan(VAR).redis_url if REDIS_IS_EMBEDDED else env_str("REDIS_URL", "")

# Whether people rely on it: then it does not start where that would not be safe (config/production.py).
PRODUCTION = env_bool("TRACEBINDER_PRODUCTION", default=not DATABASE_IS_EMBEDDED)
DEBUG = env_bool("TRACEBINDER_DEBUG", default=False)
_SECRET_KEY = env_str("TRACEBINDER_SECRET_KEY", "")
# Who answers no request signs nothing with it, and makes one that nobody knows; web without one does not start.
_MAKES_ITS_OWN = PRODUCTION or PROCESS in WORKERS
SECRET_KEY = _SECRET_KEY or (
    secrets.token_urlsafe(64) if _MAKES_ITS_OWN else embedded.read_plan(VAR).secret_key
)
# Whoever sends it as a bearer is told by `readyz` and `metrics` what strangers are not. Empty: only operators are.
MONITOR_TOKEN = env_str("TRACEBINDER_MONITOR_TOKEN", "")
ALLOWED_HOSTS = env_list("TRACEBINDER_ALLOWED_HOSTS", ["127.0.0.1", "localhost", "testserver"])
CSRF_TRUSTED_ORIGINS = env_list("TRACEBINDER_TRUSTED_ORIGINS", [])
# --- Signing in (config/sign_in/)
AUTHENTICATION_BACKENDS = ["config.sign_in.backend.CountingBackend"]
SIGN_IN_FAILURES = env_int("TRACEBINDER_SIGN_IN_FAILURES", 5)  # of one person, before the next has to wait
SIGN_IN_FIRST_WAIT = env_int("TRACEBINDER_SIGN_IN_FIRST_WAIT", 10)  # seconds; each further failure doubles it
SIGN_IN_LONGEST_WAIT = env_int("TRACEBINDER_SIGN_IN_LONGEST_WAIT", 15 * 60)  # seconds
SESSION_ENGINE = "config.sign_in.session_store"
SESSION_COOKIE_AGE = (
    env_int("TRACEBINDER_SESSION_HOURS", 8) * 60 * 60
)  # seconds since the sign-in; set in hours
SESSION_IDLE = (
    env_int("TRACEBINDER_SESSION_IDLE_MINUTES", 60) * 60
)  # seconds without a request; set in minutes
# Seconds since somebody proved who they are, within which they sign: approve, waive, export, make people. In minutes.
PROOF_LASTS = env_int("TRACEBINDER_PROOF_MINUTES", 15) * 60
# Whether nobody goes on without a second factor; otherwise each person may set one up, at /admin/second-factor/.
SECOND_FACTOR_REQUIRED = env_bool("TRACEBINDER_SECOND_FACTOR_REQUIRED", default=False)
# Whether people sign in by a password of ours; false where all of them come by the provider below.
PASSWORD_SIGN_IN = env_bool("TRACEBINDER_PASSWORD_SIGN_IN", default=True)
# Single sign-on: the provider's `issuer`; empty: none. It says who somebody is, and roles here what they may do.
OIDC_ISSUER = env_str("TRACEBINDER_OIDC_ISSUER", "")
OIDC_CLIENT_ID = env_str("TRACEBINDER_OIDC_CLIENT_ID", "")  # what the provider calls this server
# Empty for a public client: PKCE is used anyway.
OIDC_CLIENT_SECRET = env_str("TRACEBINDER_OIDC_CLIENT_SECRET", "")
OIDC_NAME = env_str("TRACEBINDER_OIDC_NAME", "Single sign-on")  # on the button
OIDC_SCOPES = env_list("TRACEBINDER_OIDC_SCOPES", ["openid"])
# Which of them the provider must say was met (`acr`), and by which means (`amr`): so its second factor is demanded.
OIDC_ACR = env_list("TRACEBINDER_OIDC_ACR", [])
OIDC_AMR = env_list("TRACEBINDER_OIDC_AMR", [])
OIDC_ALGORITHMS = env_list("TRACEBINDER_OIDC_ALGORITHMS", ["RS256", "PS256", "ES256", "Ed25519", "EdDSA"])
OIDC_TIMEOUT = env_int("TRACEBINDER_OIDC_TIMEOUT", 5)  # seconds the provider has to answer
refuse_unusable_provider(
    ProviderSettings(
        issuer=OIDC_ISSUER,
        client_id=OIDC_CLIENT_ID,
        algorithms=OIDC_ALGORITHMS,
        demands_two_factors=bool(OIDC_ACR or OIDC_AMR),
        needs_two_factors=SECOND_FACTOR_REQUIRED,
        takes_passwords=PASSWORD_SIGN_IN,
    )
)
SECURE_CONTENT_TYPE_NOSNIFF = True
SECURE_REFERRER_POLICY = "same-origin"
X_FRAME_OPTIONS = "DENY"
CSRF_FAILURE_VIEW = "config.problems.csrf_failure"

# Behind a proxy that ends TLS, as in docker-compose.yml. It says in X-Forwarded-Proto how it was reached, and must
# overwrite what a client says there.
HTTPS = env_bool("TRACEBINDER_HTTPS", default=PRODUCTION)
# Proxies of ours that a request passes, each of which adds the address it saw to X-Forwarded-For.
TRUSTED_PROXIES = env_int("TRACEBINDER_TRUSTED_PROXIES", 1 if HTTPS else 0)
SESSION_COOKIE_SECURE = CSRF_COOKIE_SECURE = HTTPS
SECURE_SSL_REDIRECT = HTTPS
SECURE_PROXY_SSL_HEADER = ("HTTP_X_FORWARDED_PROTO", "https") if HTTPS else None
SECURE_REDIRECT_EXEMPT = [r"^healthz$", r"^readyz$", r"^metrics$"]  # probes reach the process past the proxy
SECURE_HSTS_SECONDS = env_int("TRACEBINDER_HSTS_DAYS", 365) * 24 * 60 * 60 if HTTPS else 0  # set in days
SECURE_HSTS_INCLUDE_SUBDOMAINS = env_bool("TRACEBINDER_HSTS_SUBDOMAINS", default=True)
SECURE_HSTS_PRELOAD = env_bool("TRACEBINDER_HSTS_PRELOAD", default=False)
# Joining the preload list binds a whole domain, for months: that is not ours to ask for.
SILENCED_SYSTEM_CHECKS = ["security.W021"]

INSTALLED_APPS = [
    "config.apps.TracebinderAdminConfig",  # django.contrib.admin with our site
    "config.replaced",  # commands: before the apps whose commands it replaces
    "django.contrib.auth",
    "django.contrib.contenttypes",
    "django.contrib.sessions",
    "django.contrib.messages",
    "django.contrib.staticfiles",
    "django.contrib.postgres",
    "rest_framework",
    "django_filters",
    "drf_spectacular",
    "drf_spectacular_sidecar",  # the files of /api/docs
    "evidence.apps.EvidenceConfig",
    "requirements.apps.RequirementsConfig",
    "interpret.apps.InterpretConfig",
    "config.apps.ConfigConfig",  # last: its groups need the permissions of all others
]
MIDDLEWARE = [
    "config.content_policy.ContentPolicyMiddleware",  # outermost: static files and errors carry it, too
    "config.middleware.KeepNoCopies",
    "config.compression.CompressAnswers",  # what those within it change is changed by then
    "django.middleware.security.SecurityMiddleware",
    "config.middleware.AnswerProblems",
    "config.middleware.FindExports",
    "whitenoise.middleware.WhiteNoiseMiddleware",
    "django.contrib.sessions.middleware.SessionMiddleware",
    "django.middleware.locale.LocaleMiddleware",
    "django.middleware.common.CommonMiddleware",
    "config.shown_signs.ShowHiddenSigns",
    "django.middleware.csrf.CsrfViewMiddleware",
    "django.contrib.auth.middleware.AuthenticationMiddleware",
    "config.sign_in.sessions.SessionLimits",
    "config.sign_in.second_factor.RequireSecondFactor",
    "django.contrib.messages.middleware.MessageMiddleware",
    "config.sign_in.kept_forms.ShowKeptForms",  # behind what says who asks, and that a form is one of ours
    "django.middleware.clickjacking.XFrameOptionsMiddleware",
]
ROOT_URLCONF = "config.urls"
WSGI_APPLICATION = "config.wsgi.application"
TEMPLATES = [
    {
        "BACKEND": "django.template.backends.django.DjangoTemplates",
        "DIRS": [BASE_DIR / "config" / "templates"],
        "APP_DIRS": True,
        "OPTIONS": {
            "context_processors": [
                "django.template.context_processors.request",
                "django.contrib.auth.context_processors.auth",
                "django.contrib.messages.context_processors.messages",
            ]
        },
    }
]
AUTH_PASSWORD_VALIDATORS = [
    {"NAME": "django.contrib.auth.password_validation.MinimumLengthValidator", "OPTIONS": {"min_length": 12}},
    {"NAME": "django.contrib.auth.password_validation.CommonPasswordValidator"},
    {"NAME": "config.passwords.NotGuessable"},
]
# From 0, guessed at once, to 4; 3 is 10^8 guesses or more (zxcvbn).
PASSWORD_STRENGTH = env_int("TRACEBINDER_PASSWORD_STRENGTH", 3)
# For how long the link works by which a person chooses a password.
PASSWORD_RESET_TIMEOUT = env_int("TRACEBINDER_PASSWORD_LINK_HOURS", 24) * 60 * 60  # seconds; set in hours
ACCESS_PROPOSAL_DAYS = env_int(
    "TRACEBINDER_ACCESS_PROPOSAL_DAYS", 7
)  # until another operator confirmed, or never
# Failed sign-ins that a web process puts in the log within a minute; it counts the rest.
FAILED_SIGN_INS_RECORDED = env_int("TRACEBINDER_FAILED_SIGN_INS_RECORDED", 30)
DEFAULT_AUTO_FIELD = "django.db.models.BigAutoField"
LANGUAGE_CODE = "en"
LANGUAGES = [("en", "English"), ("zh-hans", "简体中文")]
LOCALE_PATHS = [BASE_DIR / "config" / "locale"]  # all words of our pages, of every app
TIME_ZONE = "UTC"
USE_TZ = True
FORMAT_MODULE_PATH = "config.formats"  # dates with one reading, in both languages
STATIC_URL = "/static/"
STATIC_ROOT = VAR / "static"
WHITENOISE_ROOT = BASE_DIR / "config" / "root_files"  # what browsers ask for by themselves: /favicon.ico
WHITENOISE_USE_FINDERS = True
WHITENOISE_AUTOREFRESH = DEBUG

# --- Requests -------------------------------------------------------------------------------------------------
OTLP_MAX_BODY = env_int("TRACEBINDER_OTLP_MAX_BODY", 16 * 1024 * 1024)  # bytes, as sent
OTLP_MAX_DECOMPRESSED = env_int("TRACEBINDER_OTLP_MAX_DECOMPRESSED", 64 * 1024 * 1024)  # bytes
OTLP_MAX_RATIO = env_int("TRACEBINDER_OTLP_MAX_RATIO", 200)  # decompressed bytes for each byte sent
OTLP_MAX_MEMBERS = env_int("TRACEBINDER_OTLP_MAX_MEMBERS", 1_000)  # gzip members one after another in a body
OTLP_MAX_SPANS = env_int("TRACEBINDER_OTLP_MAX_SPANS", 20_000)  # in one request
OTLP_MAX_ATTRIBUTE = env_int("TRACEBINDER_OTLP_MAX_ATTRIBUTE", 256 * 1024)  # bytes; longer ones become blobs
OTLP_MAX_NESTING = env_int("TRACEBINDER_OTLP_MAX_NESTING", 16)  # levels of arrays and maps in an attribute
OTLP_MAX_CLOCK_SKEW = env_int("TRACEBINDER_OTLP_MAX_CLOCK_SKEW", 1)  # seconds a span may end before it starts
# Whether the text of log records that are no GenAI events is kept, when they are refused.
OTLP_KEEP_APP_LOGS = env_bool("TRACEBINDER_OTLP_KEEP_APP_LOGS", default=False)
# Seconds after its arrival that a span may say it began, without a flag on its trace.
OTLP_START_AHEAD = env_int("TRACEBINDER_OTLP_START_AHEAD", 3_600)
# Seconds before its arrival, likewise.
OTLP_START_BEHIND = env_int("TRACEBINDER_OTLP_START_BEHIND", 30 * 86_400)
OTLP_MAX_IN_FLIGHT = env_int("TRACEBINDER_OTLP_MAX_IN_FLIGHT", 8)  # requests a process stores at once
OTLP_MAX_WAIT = env_int("TRACEBINDER_OTLP_MAX_WAIT", 5)  # seconds a request waits for a place before the 429
EVAL_MAX_BODY = env_int("TRACEBINDER_EVAL_MAX_BODY", 2 * 1024**3)  # bytes of an eval file, as posted
# Bytes of an eval file of a format whose reader needs it in memory at once, as Tracebinder's own does.
EVAL_MAX_WHOLE = env_int("TRACEBINDER_EVAL_MAX_WHOLE", 64 * 1024 * 1024)
EVAL_MAX_MEMBERS = env_int("TRACEBINDER_EVAL_MAX_MEMBERS", 250_000)  # files in a posted ZIP
EVAL_MAX_UNPACKED = env_int("TRACEBINDER_EVAL_MAX_UNPACKED", 8 * 1024**3)  # bytes of all of them
EVAL_MAX_MEMBER = env_int("TRACEBINDER_EVAL_MAX_MEMBER", 512 * 1024 * 1024)  # bytes of one of them, unpacked
EVAL_MAX_RATIO = env_int("TRACEBINDER_EVAL_MAX_RATIO", 200)  # unpacked bytes for each packed one
EVAL_MAX_SAMPLES = env_int("TRACEBINDER_EVAL_MAX_SAMPLES", 200_000)  # of a run, with those that are refused
EVAL_MAX_METRICS = env_int("TRACEBINDER_EVAL_MAX_METRICS", 200)  # of a run
EVAL_MAX_REMARKS = env_int("TRACEBINDER_EVAL_MAX_REMARKS", 1_000)  # of a run that are listed
# Values of a dimension of a foreign file; one with more is no slice.
EVAL_MAX_SLICE_VALUES = env_int("TRACEBINDER_EVAL_MAX_SLICE_VALUES", 100)
EVAL_MAX_SCORES = env_int("TRACEBINDER_EVAL_MAX_SCORES", 20_000)  # of a run: each metric in each slice
MAX_PROBE_INPUTS = env_int("TRACEBINDER_MAX_PROBE_INPUTS", 1_000)  # prompts of a probe run
MAX_PLAN_PROBES = env_int("TRACEBINDER_MAX_PLAN_PROBES", 50)  # probes of a plan
MAX_REPEATED_FILTERS = env_int("TRACEBINDER_MAX_REPEATED_FILTERS", 10)  # values of one filter in one request
MAX_PINS = env_int("TRACEBINDER_MAX_PINS", 200)  # versions that a release pins
MAX_DOCUMENTS = env_int("TRACEBINDER_MAX_DOCUMENTS", 100_000)  # documents of a pinned index
MAX_CRITERIA = env_int("TRACEBINDER_MAX_CRITERIA", 200)  # of a requirement, and entries of a gate
MAX_REQUIREMENTS = env_int("TRACEBINDER_MAX_REQUIREMENTS", 10_000)  # of one import, in one file or many
MAX_LINKS = env_int(
    "TRACEBINDER_MAX_LINKS", 200
)  # of one kind, that a requirement or criterion of a file names
MAX_SLICES = env_int("TRACEBINDER_MAX_SLICES", 100)  # of a criterion
# Members and items in a JSON body, at every depth.
MAX_JSON_VALUES = env_int("TRACEBINDER_MAX_JSON_VALUES", 1_000_000)
# The same, in one value that is kept as it is: the metadata of a pin, the parameters of a probe.
MAX_FREE_VALUES = env_int("TRACEBINDER_MAX_FREE_VALUES", 1_000)
MAX_TOKEN_SYSTEMS = env_int("TRACEBINDER_MAX_TOKEN_SYSTEMS", 100)  # of a token
MAX_TOKEN_SCOPES = env_int("TRACEBINDER_MAX_TOKEN_SCOPES", 20)  # of a token
MAX_TOKENS = env_int("TRACEBINDER_MAX_TOKENS", 200)  # of a person, that are neither revoked nor expired
MAX_REVIEW_TOKEN_DAYS = env_int("TRACEBINDER_MAX_REVIEW_TOKEN_DAYS", 30)  # of one that a reviewer makes
MAX_MEMBERSHIPS = env_int("TRACEBINDER_MAX_MEMBERSHIPS", 1_000)  # of a person
MAX_PEOPLE = env_int("TRACEBINDER_MAX_PEOPLE", 10_000)  # accounts, those who left included
MAX_WAIVERS = env_int("TRACEBINDER_MAX_WAIVERS", 200)  # of a release, that have not expired
LIST_EXPORT_MAX_ROWS = env_int("TRACEBINDER_LIST_EXPORT_MAX_ROWS", 200_000)  # of a list, in one CSV file
MAX_ACCESS_PROPOSALS = env_int("TRACEBINDER_MAX_ACCESS_PROPOSALS", 100)  # that wait, of one who proposed them
# Bytes; each endpoint has its own limit below it.
REQUIREMENTS_MAX_BODY = env_int(
    "TRACEBINDER_REQUIREMENTS_MAX_BODY", 32 * 1024 * 1024
)  # of the files of one import
DATA_UPLOAD_MAX_MEMORY_SIZE = max(OTLP_MAX_BODY, EVAL_MAX_WHOLE, REQUIREMENTS_MAX_BODY)

# --- Traces ---------------------------------------------------------------------------------------------------
# Seconds without a new span before a trace is assembled.
ASSEMBLY_QUIET = env_int("TRACEBINDER_ASSEMBLY_QUIET", 2)
# Seconds to wait for a root.
ASSEMBLY_INCOMPLETE_AFTER = env_int("TRACEBINDER_ASSEMBLY_INCOMPLETE_AFTER", 600)
ASSEMBLY_BATCH = env_int("TRACEBINDER_ASSEMBLY_BATCH", 200)  # traces a worker takes at a time
# Batches that a worker has in hand at once, each on a connection of its own, where more than one waits.
ASSEMBLY_CONNECTIONS = env_int("TRACEBINDER_ASSEMBLY_CONNECTIONS", 2)
ASSEMBLY_BUDGET = env_int("TRACEBINDER_ASSEMBLY_BUDGET", 10)  # seconds a call goes on taking further traces
# Seconds; a call that is still at work gives up.
ASSEMBLY_SOFT_LIMIT = env_int("TRACEBINDER_ASSEMBLY_SOFT_LIMIT", 90)
# Seconds; a call that cannot give up is killed.
ASSEMBLY_HARD_LIMIT = env_int("TRACEBINDER_ASSEMBLY_HARD_LIMIT", 120)
# Seconds a trace may be due before `readyz` says that assembly stands still.
ASSEMBLY_STANDS_STILL_AFTER = 10 * ASSEMBLY_HARD_LIMIT
CALL_ENDED_BY = "celery.exceptions.SoftTimeLimitExceeded"  # raised in a call that reaches its soft limit
# A trace beyond any of these is set aside with its reason. Bytes of its spans as JSON, with values that lie in blobs.
TRACE_MAX_BYTES = env_int("TRACEBINDER_TRACE_MAX_BYTES", 64 * 1024 * 1024)
TRACE_MAX_SPANS = env_int("TRACEBINDER_TRACE_MAX_SPANS", 50_000)  # spans
REVIEW_MAX_REASONS = env_int("TRACEBINDER_REVIEW_MAX_REASONS", 40)  # of a system's own list
TRACE_MAX_CLAIMS = env_int("TRACEBINDER_TRACE_MAX_CLAIMS", 2_000)  # declared, or derived from the answer
TRACE_MAX_CITATIONS = env_int("TRACEBINDER_TRACE_MAX_CITATIONS", 10_000)  # of all claims together
TRACE_MAX_RETRIEVALS = env_int(
    "TRACEBINDER_TRACE_MAX_RETRIEVALS", 50_000
)  # documents that retrievals returned
TRACE_MAX_POLICY_CHECKS = env_int("TRACEBINDER_TRACE_MAX_POLICY_CHECKS", 20_000)  # decisions
TRACE_MAX_TOOL_CALLS = env_int("TRACEBINDER_TRACE_MAX_TOOL_CALLS", 20_000)  # calls
TRACE_MAX_CONFIDENCE_FACTORS = env_int("TRACEBINDER_TRACE_MAX_CONFIDENCE_FACTORS", 500)  # factors
TRACE_MAX_LIMITATIONS = env_int("TRACEBINDER_TRACE_MAX_LIMITATIONS", 500)  # texts
TRACE_MAX_VERSIONS = env_int("TRACEBINDER_TRACE_MAX_VERSIONS", 2_000)  # different ones that its spans name
TRACE_MAX_FLAGS = env_int("TRACEBINDER_TRACE_MAX_FLAGS", 50_000)  # things a reader should know
# Seconds of checking its citations, told by counting characters (evidence/citations/cost.py), never by a clock.
TRACE_CHECK_BUDGET = env_int("TRACEBINDER_TRACE_CHECK_BUDGET", 30)
# Characters of documents that a process keeps for checking citations; each takes about 25 bytes.
SOURCE_CACHE = env_int("TRACEBINDER_SOURCE_CACHE", 5_000_000)
RETENTION_DAYS = {  # days, by signal; 0 keeps for ever. A legal hold wins over it
    # Months of spans, and raw bodies that brought them.
    "traces": env_int("TRACEBINDER_RETENTION_TRACES_DAYS", 0),
    "logs": env_int("TRACEBINDER_RETENTION_LOGS_DAYS", 0),  # raw bodies; the samples in them stay
}
# Hours a search by attribute may span.
SPAN_SEARCH_MAX_HOURS = env_int("TRACEBINDER_SPAN_SEARCH_MAX_HOURS", 24)
# Milliseconds after which a page of a search for words says how far it came.
SEARCH_BUDGET = env_int("TRACEBINDER_SEARCH_BUDGET", 50)
SEARCH_TIMEOUT = env_int("TRACEBINDER_SEARCH_TIMEOUT", 5)  # seconds that one step of it may take
PARTITIONS_AHEAD = env_int("TRACEBINDER_PARTITIONS_AHEAD", 3)  # months of span partitions made in advance

# --- Reviews, evals, gates, binders ---------------------------------------------------------------------------
REVIEW_DUE = timedelta(hours=env_int("TRACEBINDER_REVIEW_DUE_HOURS", 72))  # for a high-risk trace
# Until a decision of the review desk counts.
REVIEW_TAKE_BACK = timedelta(seconds=env_int("TRACEBINDER_REVIEW_TAKE_BACK_SECONDS", 10))
# For which an answer is one reviewer's, from their last word.
REVIEW_HOLD = timedelta(minutes=env_int("TRACEBINDER_REVIEW_HOLD_MINUTES", 15))
# Answers that a reviewer holds at once.
REVIEW_MOST_HELD = env_int("TRACEBINDER_REVIEW_MOST_HELD", 20, least=1)
# Reviews, on average, to one gold answer that a reviewer is given; 0: none is.
REVIEW_GOLD_EVERY = env_int("TRACEBINDER_REVIEW_GOLD_EVERY", 0, least=0, most=1_000_000)
SAMPLING_MAX_ANSWERS = env_int("TRACEBINDER_SAMPLING_MAX_ANSWERS", 200_000)  # of a sampling plan's period
# High-risk trace and system.
REVIEW_TWO_PERSON_HIGH_RISK = env_bool("TRACEBINDER_REVIEW_TWO_PERSON", default=True)
# The environment whose live release says which versions of model, prompt, index … are current.
LIVE_ENVIRONMENT = env_str("TRACEBINDER_LIVE_ENVIRONMENT", "production")
# Attributes of a requirement whose change makes its links suspect; each review of a link says which counted then.
COUNTED_ATTRIBUTES = env_list(
    "TRACEBINDER_COUNTED_ATTRIBUTES", ["statement", "risk_tier", "layer", "criteria"]
)
GATE_ASSESSOR = "requirements.services.assessment.assess_for_gate"  # evidence must not import requirements
GATE_BASELINES = (
    "requirements.selectors.requirements.find_unfrozen"  # likewise: which of the named are not frozen
)
# Likewise: which links and criteria a deployment makes suspect.
DEPLOYMENT_SUSPECTS = "requirements.selectors.impact.suspects_of_deployment"
# Likewise: which rows hang on a record of the chain, for lists.
ROWS_ON_CHAIN = "requirements.pages.chain.rows_on_chain"
# Likewise: what waits for an approver, from apps that evidence must not import.
FRONT_PAGE_APPROVALS = [
    "requirements.admin.version.versions_to_approve",
    "requirements.admin.retirement.retirements_to_grant",
]
# Likewise: what waits for authors and researchers.
FRONT_PAGE_WORK = ["requirements.admin.home.work_of_author", "interpret.admin.home.work_of_researcher"]
# Likewise: how systems stand, for the strip on home.
FRONT_PAGE_STRIPS = "requirements.selectors.system_strips.strips_of"
# Likewise: what may be told of findings to those who may not see them.
SUPPORTING_EVIDENCE = "interpret.selectors.plain_summaries.told_of_release"
# Likewise: those findings, for those who may see them.
FINDINGS_BESIDE = "interpret.pages.beside_answers.findings_beside"
# One finding with the release it was made on, for the drawn chain.
FINDING_BESIDE = "interpret.pages.beside_answers.finding_beside"
# Likewise: the same of single items, and which of them hold for a release.
PLAIN_WORDS = "interpret.selectors.plain_summaries.told_of_items"
MECHANISTIC_EVIDENCE = "interpret.selectors.findings.items_for"
# What the search over everything looks through, in the order in which it is shown; likewise of all apps.
SEARCHED = [
    "requirements.pages.search.find_requirements",
    "evidence.pages.search.finders.find_systems",
    "evidence.pages.search.finders.find_releases",
    "evidence.pages.search.finders.find_versions",
    "evidence.pages.search.answers.find_answers",
    "evidence.pages.search.answers.find_tasks",
    "evidence.pages.search.finders.find_eval_runs",
    "evidence.pages.search.finders.find_reviews",
    "evidence.pages.search.finders.find_binders",
    "evidence.pages.search.finders.find_people",
]
BINDER_SECTIONS = [
    "evidence.selectors.binder.sections.evidence_sections",
    "requirements.services.binder_sections.requirement_sections",
    "interpret.services.binder_sections.interpretability_sections",
]
BLOB_ROOT = Path(env_str("TRACEBINDER_BLOBS", str(VAR / "blobs")))
KEY_ROOT = Path(env_str("TRACEBINDER_KEYS", str(VAR / "keys")))  # signing keys, mode 0600
# Web and probes never hold them: such a process neither looks for them nor makes any. False also for workers that do
# not sign.
HOLDS_KEYS = env_bool("TRACEBINDER_HOLDS_KEYS", default=PROCESS not in {"web", "interpret"})
# Where another process holds the log's key, or that of binders, and signs for us: kms+https://HOST/PATH
# (docs/reference/signer.md). Empty: a file in that folder.
LOG_KEY = env_str("TRACEBINDER_LOG_KEY", "")
BINDER_KEY = env_str("TRACEBINDER_BINDER_KEY", "")
KMS_TOKEN = env_str("TRACEBINDER_KMS_TOKEN", "")  # that process lets in whoever sends it
KMS_TIMEOUT = env_int("TRACEBINDER_KMS_TIMEOUT", 5)  # seconds it has to answer
refuse_unusable_keys({"TRACEBINDER_LOG_KEY": LOG_KEY, "TRACEBINDER_BINDER_KEY": BINDER_KEY}, KMS_TOKEN)
# Their public halves, which whoever holds a key writes and all others read.
PUBLIC_KEY_ROOT = Path(env_str("TRACEBINDER_PUBLIC_KEYS", str(VAR / "public-keys")))
# Seconds a request waits for the worker that exports its binder, before it is told to come back.
EXPORT_WAIT = env_int("TRACEBINDER_EXPORT_WAIT", 60)
VERIFY_HERE_BYTES = (
    env_int("TRACEBINDER_VERIFY_HERE_MIB", 32) * 1024 * 1024
)  # of a binder that a page verifies
VERIFY_HERE_SECONDS = env_int("TRACEBINDER_VERIFY_HERE_SECONDS", 20)  # that it may take
SEQUENCE_BATCH = env_int("TRACEBINDER_SEQUENCE_BATCH", 10_000)  # events a sequencer run takes
SEQUENCE_BUDGET = env_int("TRACEBINDER_SEQUENCE_BUDGET", 10)  # seconds a call goes on sequencing a backlog
# Seconds the clock may be behind what is on record before nothing is decided any more.
CLOCK_TOLERANCE = env_int("TRACEBINDER_CLOCK_TOLERANCE", 60)
LOG_ORIGIN = env_str("TRACEBINDER_LOG_ORIGIN", "tracebinder.local/log")  # C2SP checkpoint origin
# The head last published, which the log must continue. Keep it where no backup of the database is put back over it.
LOG_HEAD_FILE = Path(env_str("TRACEBINDER_LOG_HEAD", str(KEY_ROOT / "log.head")))
CHECKPOINT_INTERVAL = env_int("TRACEBINDER_CHECKPOINT_INTERVAL", 60)  # seconds, the longest unsigned window
# Who is asked to cosign each checkpoint: "url vkey" of each witness, separated by commas (docs/reference/log.md).
LOG_WITNESSES = env_pairs("TRACEBINDER_LOG_WITNESSES", "the URL and the vkey of each witness")
refuse_no_witnesses(LOG_WITNESSES)
# How many of them `trust.json` demands; all by default.
WITNESS_QUORUM = env_int("TRACEBINDER_WITNESS_QUORUM", len(LOG_WITNESSES))
# URL of an RFC 3161 time-stamping authority that is asked about each checkpoint; empty: none.
TSA_URL = env_str("TRACEBINDER_TSA_URL", "")
# File of its root certificates, PEM, which `trust.json` names; empty: whoever verifies adds them.
TSA_ROOTS = env_str("TRACEBINDER_TSA_ROOTS", "")
# Seconds that a witness or an authority has to answer.
WITNESS_TIMEOUT = env_int("TRACEBINDER_WITNESS_TIMEOUT", 5)
# Seconds an export waits for what they say of its checkpoint.
WITNESS_WAIT = env_int("TRACEBINDER_WITNESS_WAIT", 15)

# --- Interpretability -----------------------------------------------------------------------------------------
MODEL_STORE = Path(env_str("TRACEBINDER_MODELS", str(VAR / "models")))  # model files by digest
# Dictionaries by digest, beside the ones that come with the code.
DICTIONARY_STORE = Path(env_str("TRACEBINDER_DICTIONARIES", str(VAR / "dictionaries")))
PROBE_LEASE = env_int("TRACEBINDER_PROBE_LEASE", 40 * 60)  # seconds; longer than the hard limit
# Probes that the installation adds: dotted paths of (name, ProbeEntry) pairs, separated by commas.
MORE_PROBES = env_list("TRACEBINDER_PROBES", [])
PROBE_SOFT_LIMIT = env_int("TRACEBINDER_PROBE_SOFT_LIMIT", 25 * 60)  # seconds
PROBE_HARD_LIMIT = env_int("TRACEBINDER_PROBE_HARD_LIMIT", 30 * 60)  # seconds
# MiB of data that a worker's process may hold while it measures; 0: as much as there is.
PROBE_MEMORY = env_int("TRACEBINDER_PROBE_MEMORY", 0)
# Threads that torch sums with; 0: as many as it chooses. Another number gives other last digits.
PROBE_THREADS = env_int("TRACEBINDER_PROBE_THREADS", 0)
# Where interpret workers measure. One that is not there ends their start: no other takes its place.
PROBE_DEVICE = env_form("TRACEBINDER_PROBE_DEVICE", "cpu", r"cpu|cuda(:\d{1,3})?", "cpu, cuda or cuda:N")

# --- Celery ---------------------------------------------------------------------------------------------------
CELERY_BROKER_URL = REDIS_URL
CELERY_TASK_SERIALIZER = "json"
CELERY_ACCEPT_CONTENT = ["json"]
CELERY_TASK_IGNORE_RESULT = True  # the row is the truth; nothing is read back from the broker
CELERY_TASK_DEFAULT_QUEUE = "default"
# What is named here must not wait for assembly, which does the rest. Each queue has a worker of its own
# (docs/decisions/0021-workers-and-work.md).
CELERY_TASK_ROUTES = {
    "evidence.tasks.sequence_events": {"queue": "log"},
    "evidence.tasks.sign_checkpoint": {"queue": "log"},
    "evidence.tasks.sequence_missed_events": {"queue": "log"},
    "evidence.tasks.bring_log_up_to_date": {"queue": "log"},
    "evidence.tasks.keep_attestations": {"queue": "log"},
    "evidence.tasks.export_binder": {"queue": "export"},
    # What takes longer the more is stored, now and then.
    "evidence.tasks.apply_retention": {"queue": "export"},
    "evidence.tasks.check_blobs": {"queue": "export"},
    "evidence.tasks.find_missed_events": {"queue": "export"},
    # Counts over all traces of a release: where it waited in the default queue, traces would wait for it.
    "requirements.tasks.assess_due": {"queue": "export"},
    "interpret.tasks.run_probe": {"queue": "interpret"},
}
# Seconds; a call that says nothing else of itself is killed then, so that none that hangs keeps its queue for ever.
# What it had not committed is done by the next one.
CELERY_TASK_TIME_LIMIT = env_int("TRACEBINDER_TASK_HARD_LIMIT", 600)
# Asked for by whoever needs the log to be up to date and may not write it.
LOG_TASK = "evidence.tasks.bring_log_up_to_date"
# Messages a process holds beside its task: a long one must not sit on others.
CELERY_WORKER_PREFETCH_MULTIPLIER = 1
CELERY_BROKER_CONNECTION_RETRY_ON_STARTUP = True
CELERY_BROKER_CONNECTION_MAX_RETRIES = None  # a worker waits for its broker as long as it takes
CELERY_BROKER_TRANSPORT_OPTIONS = {"visibility_timeout": PROBE_LEASE}  # seconds
CELERY_WORKER_HIJACK_ROOT_LOGGER = False
# Seconds between two heartbeats of beat, and of the workers of each queue.
HEARTBEAT_INTERVAL = env_int("TRACEBINDER_HEARTBEAT_INTERVAL", 10)
SILENT_AFTER = env_int("TRACEBINDER_SILENT_AFTER", 120)  # seconds without one before `readyz` names them
EXPORT_HARD_LIMIT = 60 * 60  # seconds an export may take
# The queues, with the seconds their workers may be silent: one that exports or runs a probe answers nothing meanwhile.
QUEUES = {
    "default": SILENT_AFTER,
    "log": SILENT_AFTER,
    "export": EXPORT_HARD_LIMIT + SILENT_AFTER,
    "interpret": PROBE_HARD_LIMIT + SILENT_AFTER,
}
CELERY_BEAT_SCHEDULER = "config.beat.Scheduler"
CELERY_BEAT_SCHEDULE_FILENAME = str(VAR / "celerybeat-schedule")
CELERY_BEAT_SCHEDULE = {
    # Seconds, as all of these.
    "assemble-traces": {"task": "evidence.tasks.assemble_traces", "schedule": 1.0},
    "make-partitions": {"task": "evidence.tasks.make_partitions", "schedule": 6 * 60 * 60.0},
    "sequence-events": {"task": "evidence.tasks.sequence_events", "schedule": 5.0},
    "find-missed-events": {"task": "evidence.tasks.find_missed_events", "schedule": 3600.0},
    "apply-retention": {"task": "evidence.tasks.apply_retention", "schedule": 24 * 3600.0},
    # Early enough to be signed in time by a worker that is still sequencing.
    "sign-checkpoint": {"task": "evidence.tasks.sign_checkpoint", "schedule": 0.75 * CHECKPOINT_INTERVAL},
    # What a message that was lost, or a witness that was away, left.
    "ask-witnesses": {"task": "evidence.tasks.ask_witnesses", "schedule": float(CHECKPOINT_INTERVAL)},
    "resend-binder-requests": {"task": "evidence.tasks.resend_binder_requests", "schedule": 60.0},
    "resend-stale-runs": {"task": "interpret.tasks.resend_stale_runs", "schedule": 60.0},
    "attach-findings": {"task": "interpret.tasks.attach_findings", "schedule": 5.0},
    "record-decided-reviews": {"task": "evidence.tasks.record_decided_reviews", "schedule": 2.0},
    "draw-gold-answers": {"task": "evidence.tasks.draw_gold_answers", "schedule": 60.0},
    "mend-review-queue": {"task": "evidence.tasks.mend_review_queue", "schedule": 300.0},
    "remove-ended-sessions": {"task": "evidence.tasks.remove_ended_sessions", "schedule": 3600.0},
    "check-blobs": {"task": "evidence.tasks.check_blobs", "schedule": 3600.0},
    "assess-due": {"task": "requirements.tasks.assess_due", "schedule": 60.0},
    **{
        f"heartbeat-{queue}": {
            "task": "config.tasks.note_worker",  # where none waits there (config.beat)
            "schedule": float(HEARTBEAT_INTERVAL),
            "args": [queue],
            "options": {"queue": queue},
        }
        for queue in QUEUES
    },
}

# --- Checks of criteria ---------------------------------------------------------------------------------------
# Modules beside our own that declare checks, as Python imports them: "acme.tracebinder_checks.tone".
CHECKS = env_list("TRACEBINDER_CHECKS", [])
# Seconds between two looks at one criterion for one release, while its facts keep coming.
ASSESS_EVERY = env_int("TRACEBINDER_ASSESS_EVERY", 300)
ASSESS_BUDGET = env_int("TRACEBINDER_ASSESS_BUDGET", 20)  # seconds of one call that assesses what is due
ASSESS_BATCH = 10  # criteria with releases that a call takes together

# --- API ------------------------------------------------------------------------------------------------------
REST_FRAMEWORK = {
    "DEFAULT_AUTHENTICATION_CLASSES": [
        "evidence.api.authentication.TokenAuthentication",
        "evidence.api.authentication.BrowserAuthentication",
    ],
    "DEFAULT_PERMISSION_CLASSES": ["evidence.api.permissions.HasScope"],
    "DEFAULT_PARSER_CLASSES": ["evidence.api.parsing.StrictJSONParser"],
    # No browsable API: its forms would offer rows of other systems, and its pages need inline scripts.
    "DEFAULT_RENDERER_CLASSES": ["rest_framework.renderers.JSONRenderer"],
    "DEFAULT_SCHEMA_CLASS": "evidence.api.schema.ApiSchema",
    "DEFAULT_PAGINATION_CLASS": "evidence.api.pagination.KeysetPagination",
    "PAGE_SIZE": 50,  # rows
    "EXCEPTION_HANDLER": "config.problems.handle_exception",
    "URL_FORMAT_OVERRIDE": None,  # `?format=` names the format of an eval file, not of the answer
    "UNAUTHENTICATED_USER": "django.contrib.auth.models.AnonymousUser",
}
SPECTACULAR_SETTINGS = {
    "TITLE": "Tracebinder",
    "DESCRIPTION": (
        "Governance traceability and an evidence store for AI systems.\n\n"
        "Send a token as `Authorization: Bearer …`; it reads and writes for the systems that it names, within what its "
        "owner's roles hold. An operator issues it: `manage.py issue_token`. `GET /api/v1/systems` says which systems "
        "yours are.\n\n"
        "Lists are newest first: `limit` asks for 1 to 500 rows, `next` in an answer leads to older rows. A request "
        "that is refused is answered with a problem (RFC 9457), whose `code` is stable. Whoever signed in to the "
        "pages may ask likewise, with the session's cookie."
    ),
    "VERSION": VERSION,
    "OAS_VERSION": "3.1.0",
    "SERVE_INCLUDE_SCHEMA": False,
    "SCHEMA_PATH_PREFIX": r"/api/v1",
    "POSTPROCESSING_HOOKS": [
        "drf_spectacular.hooks.postprocess_schema_enums",
        "evidence.api.schema.say_anything_once",
        "config.api_examples.put_examples",
    ],
    "ENUM_NAME_OVERRIDES": {
        "TraceStatus": "evidence.semconv.draft.TraceStatus.choices",
        "EvalRunStatus": "evidence.evals.contracts.RunStatus.choices",
        "FindingStatus": "interpret.models.Finding.STATUS_CHOICES",
        "ReviewDecision": "evidence.models.Review.Decision",
        "ClaimJudgement": "evidence.models.ClaimJudgement.Judgement",
        "PolicyDecision": "evidence.semconv.draft.PolicyDecision.choices",
        "ArtefactKind": "evidence.models.ArtefactKind",
        "RequirementState": "requirements.models.RequirementState",
        "GateState": "evidence.models.GateState",
        "ComparisonClaim": "evidence.api.eval_comparisons.CLAIMS",
        "OutcomeEnum": "evidence.api.eval_comparisons.OUTCOMES",
        "ReadingState": "evidence.models.ReadingState",
        "DefeaterAnswerKind": "evidence.models.DefeaterAnswer.Kind",
        "DefeaterState": "evidence.selectors.defeaters.STATES",
        "GoldStep": "evidence.api.gold.STEPS",
        "SamplingState": "evidence.selectors.sampling.STATES",
        "SamplingStep": "evidence.api.sampling.STEPS",
        "SampleVerdict": "evidence.selectors.sampling.VERDICTS",
        "SamplingStrata": "evidence.models.SamplingPlan.Strata",
        "SettledState": ["approved", "declined", "withdrawn"],
        "RequestStep": ["confirmed", "declined", "withdrawn"],
        "RequirementChange": "requirements.models.Change",
        "GateVerdict": "evidence.models.GateDecision.Verdict",
        "CitationVerdict": "evidence.citations.verdict.Verdict.choices",
        "CitationReason": "evidence.citations.verdict.Reason.choices",
        "LinkKind": "requirements.models.LinkKind",
        "LinkOutcome": "requirements.models.LinkOutcome",
        "LinkEndKind": "requirements.api.links.END_KINDS",
    },
}

LOGGING = {
    "version": 1,
    "disable_existing_loggers": False,
    "formatters": {"line": {"format": "%(asctime)s %(levelname)-7s %(name)s: %(message)s"}},
    "handlers": {"console": {"class": "logging.StreamHandler", "formatter": "line", "stream": sys.stderr}},
    "root": {"handlers": ["console"], "level": env_str("TRACEBINDER_LOG_LEVEL", "INFO")},
    "loggers": {"django.server": {"level": "WARNING"}},
}

# A model is loaded by digest from our store, never from a hub by name.
os.environ.setdefault("HF_HUB_OFFLINE", "1")

refuse_unread()  # when all are read: whatever is set by now and was not read is a misspelling
if PRODUCTION:
    refuse_unsafe(
        Start(
            process=PROCESS,
            secret_key=_SECRET_KEY,
            monitor_token=MONITOR_TOKEN,
            is_debugged=DEBUG,
            is_behind_tls=HTTPS,
            holds_keys=HOLDS_KEYS,
            hosts=ALLOWED_HOSTS,
            broker_url="" if REDIS_IS_EMBEDDED else REDIS_URL,
            environment=os.environ,
        )
    )
