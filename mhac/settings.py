"""One file of settings. What differs between machines is read from the environment here and nowhere else.

DATABASE_URL        postgres://user:password@host:port/name            needed
SECRET_KEY          at least 50 random characters                      needed
MHAC_SIGNING_KEY    path of the key that signs certificates (PEM)      needed when a certificate is issued
MHAC_PUBLIC_URL     where partners reach this clinic, for the QR       default http://127.0.0.1:8000
MHAC_TRAINING       1 marks every page and paper TRAINING              default 0
MHAC_HTTPS          0 serves plain http on a closed network            default 1
MHAC_PROGRAMMES     folder with the clinic's own programme editions    default none
ALLOWED_HOSTS       comma separated                                    default 127.0.0.1,localhost
MHAC_WIRE_CERTIFICATE  our certificate chain on the laboratory's wire (PEM): opens the TLS ports   default none
MHAC_WIRE_KEY       its key (PEM)                                      default: in the same file
MHAC_WIRE_CA        who signed the analyzers' certificates (PEM)       default: the machine's own list
MHAC_GATEWAY        how reminders leave: console:, file:/path, smtps://...   default none; console: in training
FAIL_AT             tests of the laboratory's wire only: where a process ends by force     default nowhere
DEBUG               1 shows errors to developers                       default 0
"""

import os
from pathlib import Path
from urllib.parse import unquote, urlsplit

from csp.constants import NONE, SELF
from django.conf import locale
from django.conf.global_settings import LANGUAGES_BIDI as BIDI
from django.core.exceptions import ImproperlyConfigured
from django.utils.translation import gettext_lazy as _

BASE_DIR = Path(__file__).resolve().parent.parent


def secret(name: str, how: str) -> str:
    value = os.environ.get(name, "")
    if not value:
        raise ImproperlyConfigured(f"{name} is not set. {how}")
    return value


def flag(name: str, default: str = "0") -> bool:
    return os.environ.get(name, default) == "1"


def database(url: str) -> dict:
    parts = urlsplit(url)
    if parts.scheme not in {"postgres", "postgresql"} or not parts.path.strip("/"):
        raise ImproperlyConfigured(
            "DATABASE_URL must look like postgres://user:password@host:5432/name; PostgreSQL is the one engine."
        )
    query = dict(pair.split("=", 1) for pair in parts.query.split("&") if "=" in pair)
    return {
        "ENGINE": "django.db.backends.postgresql",
        "NAME": unquote(parts.path.lstrip("/")),
        "USER": unquote(parts.username or ""),
        "PASSWORD": unquote(parts.password or ""),
        "HOST": unquote(query.get("host", parts.hostname or "")),
        "PORT": str(parts.port or ""),
        "CONN_MAX_AGE": 0,
        # Whoever asks next tries again: otherwise the pauses between tries grow with the time the database was away.
        "OPTIONS": {"pool": {"min_size": 1, "max_size": 8, "timeout": 10, "reconnect_timeout": 2}},
    }


SECRET_KEY = secret("SECRET_KEY", "Generate one and keep it: `make run` does this for a first look.")
DEBUG = flag("DEBUG")
TRAINING = flag("MHAC_TRAINING")
FAIL_AT = os.environ.get("FAIL_AT", "")
WIRE_CERTIFICATE = os.environ.get("MHAC_WIRE_CERTIFICATE", "")
WIRE_KEY = os.environ.get("MHAC_WIRE_KEY", "")
WIRE_CA = os.environ.get("MHAC_WIRE_CA", "")
GATEWAY = os.environ.get("MHAC_GATEWAY", "console:" if TRAINING else "")
HTTPS = flag("MHAC_HTTPS", "1")
PUBLIC_URL = os.environ.get("MHAC_PUBLIC_URL", "http://127.0.0.1:8000").rstrip("/")
SIGNING_KEY = os.environ.get("MHAC_SIGNING_KEY", "")
PROGRAMME_FOLDERS = [Path(p) for p in os.environ.get("MHAC_PROGRAMMES", "").split(os.pathsep) if p]
ALLOWED_HOSTS = [h for h in os.environ.get("ALLOWED_HOSTS", "127.0.0.1,localhost,[::1]").split(",") if h]
CSRF_TRUSTED_ORIGINS = [PUBLIC_URL] if PUBLIC_URL.startswith("https://") else []

DATABASES = {"default": database(secret("DATABASE_URL", "`make run` starts a database of its own and sets it."))}
DEFAULT_AUTO_FIELD = "django.db.models.BigAutoField"

INSTALLED_APPS = [
    "mhac.clinics",
    "mhac.accounts",
    "mhac.patients",
    "mhac.partners",
    "mhac.screenings",
    "mhac.appointments",
    "mhac.payments",
    "mhac.exams",
    "mhac.labs",
    "mhac.decisions",
    "mhac.certificates",
    "mhac.desk",
    "mhac.portal",
    "lab_integration",
    "django.contrib.auth",
    "django.contrib.contenttypes",
    "django.contrib.sessions",
    "django.contrib.messages",
    "whitenoise.runserver_nostatic",
    "django.contrib.staticfiles",
    "django.contrib.postgres",
    "django.contrib.humanize",
    "allauth",
    "allauth.account",
    "simple_history",
    "crispy_forms",
    "crispy_bootstrap5",
    "django_htmx",
    "template_partials",
    "csp",
]

MIDDLEWARE = [
    "django.middleware.security.SecurityMiddleware",
    "whitenoise.middleware.WhiteNoiseMiddleware",
    "csp.middleware.CSPMiddleware",
    "mhac.accounts.middleware.response_headers",
    "django.contrib.sessions.middleware.SessionMiddleware",
    "django.middleware.locale.LocaleMiddleware",
    "django.middleware.common.CommonMiddleware",
    "django.middleware.csrf.CsrfViewMiddleware",
    "django.contrib.auth.middleware.AuthenticationMiddleware",
    "mhac.accounts.sitting.Sitting",
    "allauth.account.middleware.AccountMiddleware",
    "django.contrib.messages.middleware.MessageMiddleware",
    "django.middleware.clickjacking.XFrameOptionsMiddleware",
    "simple_history.middleware.HistoryRequestMiddleware",
    "django_htmx.middleware.HtmxMiddleware",
]

ROOT_URLCONF = "mhac.urls"
WSGI_APPLICATION = "mhac.wsgi.application"
TEMPLATES = [
    {
        "BACKEND": "django.template.backends.django.DjangoTemplates",
        "DIRS": [BASE_DIR / "templates"],
        "APP_DIRS": True,
        "OPTIONS": {
            "context_processors": [
                "django.template.context_processors.request",
                "django.template.context_processors.i18n",
                "django.contrib.auth.context_processors.auth",
                "django.contrib.messages.context_processors.messages",
                "mhac.desk.context.every_page",
            ],
            "builtins": [
                "django.templatetags.static",
                "django.templatetags.i18n",
                "mhac.clinics.templatetags.clinic",
                "mhac.accounts.templatetags.once",
            ],
        },
    }
]
FORM_RENDERER = "django.forms.renderers.DjangoTemplates"
CRISPY_ALLOWED_TEMPLATE_PACKS = CRISPY_TEMPLATE_PACK = "bootstrap5"

# Who is asking
AUTH_USER_MODEL = "accounts.User"
AUTHENTICATION_BACKENDS = ["allauth.account.auth_backends.AuthenticationBackend"]
PASSWORD_HASHERS = [
    "django.contrib.auth.hashers.Argon2PasswordHasher",
    "django.contrib.auth.hashers.PBKDF2PasswordHasher",
]
AUTH_PASSWORD_VALIDATORS = [
    {"NAME": "django.contrib.auth.password_validation.UserAttributeSimilarityValidator"},
    {"NAME": "django.contrib.auth.password_validation.MinimumLengthValidator", "OPTIONS": {"min_length": 15}},
    {"NAME": "django.contrib.auth.password_validation.CommonPasswordValidator"},
]
LOGIN_URL = "account_login"
LOGIN_REDIRECT_URL = "home"
ACCOUNT_ADAPTER = "mhac.accounts.adapter.ClinicAdapter"
ACCOUNT_LOGIN_METHODS = {"username"}
ACCOUNT_SIGNUP_FIELDS = ["username*", "password1*"]
ACCOUNT_EMAIL_VERIFICATION = "none"
ACCOUNT_LOGOUT_REDIRECT_URL = "account_login"
ACCOUNT_SESSION_REMEMBER = False
SESSION_COOKIE_AGE = 12 * 60 * 60
SESSION_EXPIRE_AT_BROWSER_CLOSE = True
SESSION_COOKIE_SAMESITE = "Lax"
CSRF_COOKIE_SAMESITE = "Lax"
CACHES = {
    # Log-in limits must count over all web workers, so the cache is the database's.
    "default": {"BACKEND": "django.core.cache.backends.db.DatabaseCache", "LOCATION": "cache"},
}

# The browser's side of security
SECURE_SSL_REDIRECT = SESSION_COOKIE_SECURE = CSRF_COOKIE_SECURE = HTTPS
SECURE_HSTS_SECONDS = 31536000 if HTTPS else 0
SECURE_HSTS_INCLUDE_SUBDOMAINS = SECURE_HSTS_PRELOAD = HTTPS
SECURE_PROXY_SSL_HEADER = ("HTTP_X_FORWARDED_PROTO", "https") if HTTPS else None
SECURE_REFERRER_POLICY = "same-origin"
X_FRAME_OPTIONS = "DENY"
CONTENT_SECURITY_POLICY = {
    "DIRECTIVES": {
        "default-src": [NONE],
        "script-src": [SELF],
        "style-src": [SELF],
        "img-src": [SELF, "data:"],  # Bootstrap draws its tick marks and arrows as data: images
        "font-src": [SELF],
        "connect-src": [SELF],
        "form-action": [SELF],
        "frame-ancestors": [NONE],
        "base-uri": [NONE],
    }
}

# Languages, calendar, place
LANGUAGE_CODE = "en"
LANGUAGES = [("en", _("English")), ("fa-af", _("Dari")), ("ps", _("Pashto"))]
LANGUAGES_BIDI = [*BIDI, "fa-af", "ps"]
locale.LANG_INFO.update(
    {
        "fa-af": {"bidi": True, "code": "fa-af", "name": "Dari", "name_local": "دری"},
        "ps": {"bidi": True, "code": "ps", "name": "Pashto", "name_local": "پښتو"},
    }
)
LOCALE_PATHS = [BASE_DIR / "locale"]
USE_I18N = USE_TZ = True
TIME_ZONE = "Asia/Kabul"
FORMAT_MODULE_PATH = ["mhac.formats"]

STATIC_URL = "static/"
STATIC_ROOT = BASE_DIR / "staticfiles"
STATICFILES_DIRS = [BASE_DIR / "mhac" / "static"]
STORAGES = {
    "default": {"BACKEND": "django.core.files.storage.FileSystemStorage"},
    "staticfiles": {"BACKEND": "whitenoise.storage.CompressedManifestStaticFilesStorage"},
}
WHITENOISE_USE_FINDERS = WHITENOISE_AUTOREFRESH = DEBUG

SIMPLE_HISTORY_HISTORY_ID_USE_UUID = True
DATA_UPLOAD_MAX_NUMBER_FIELDS = 2000
FILE_UPLOAD_MAX_MEMORY_SIZE = DATA_UPLOAD_MAX_MEMORY_SIZE = 8 * 1024 * 1024

LOGGING = {
    "version": 1,
    "disable_existing_loggers": False,
    "formatters": {"line": {"format": "%(asctime)s %(levelname)s %(name)s %(message)s"}},
    "handlers": {"console": {"class": "logging.StreamHandler", "formatter": "line"}},
    "root": {"handlers": ["console"], "level": "WARNING"},
    "loggers": {
        "lab": {"level": "INFO"},
        "django.request": {"handlers": ["console"], "level": "ERROR", "propagate": False},
    },
}
