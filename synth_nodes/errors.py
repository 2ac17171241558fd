"""Errors a user can act on."""


class InputError(ValueError):
    """
    Something the user gave is wrong: a file, a parameter, a model, a map.

    The message names the thing, the value, what is allowed and what to do, in one line.
    Commands and nodes print it without a traceback and exit with code 2.
    """
