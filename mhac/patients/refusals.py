"""The one exception of this room that a person reads."""


class Refused(Exception):
    """It was not done. The text says what was wrong and what to do next."""
