from django.apps import AppConfig


class PortalConfig(AppConfig):
    name = "mhac.portal"
