"""The medical rules: facts about one person and a programme's edition in, a proposal out.

Standard library only. No clock, no database, no network: the day is an argument (`examined`), and so is the edition.
"""
