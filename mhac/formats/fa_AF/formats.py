from mhac.formats.en.formats import *  # noqa: F403 - written alike in every language
