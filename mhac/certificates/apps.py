from django.apps import AppConfig


class CertificatesConfig(AppConfig):
    name = "mhac.certificates"
