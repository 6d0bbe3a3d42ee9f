from django.apps import AppConfig


class LabIntegrationConfig(AppConfig):
    name = "lab_integration"
