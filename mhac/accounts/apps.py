from django.apps import AppConfig
from django.db.models.signals import post_migrate


class AccountsConfig(AppConfig):
    name = "mhac.accounts"

    def ready(self):
        from mhac.accounts.roles import sync_roles

        # Django's own hook after a migration, the one moment when the table of roles can differ from the database.
        post_migrate.connect(sync_roles, dispatch_uid="roles")
