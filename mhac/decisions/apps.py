from django.apps import AppConfig


class DecisionsConfig(AppConfig):
    name = "mhac.decisions"
