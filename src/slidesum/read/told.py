"""What an error of another package says, in one line: such texts may be long, or missing."""

from __future__ import annotations


def first_line(error: BaseException) -> str:
    """The first line of its text, or its type where it has none.

    >>> first_line(ValueError("no such axis\\nsee the manual")), first_line(ValueError())
    ('no such axis', 'ValueError')
    """
    return next(iter(str(error).strip().splitlines()), type(error).__name__)[:200]


def brief(error: BaseException) -> str:
    """Its type and the first line; the text of a KeyError is nothing but the key.

    >>> brief(ValueError("no such axis")), brief(KeyError("meta")), brief(ValueError())
    ('ValueError: no such axis', "KeyError: there is no key 'meta'", 'ValueError')
    """
    kind = type(error).__name__
    if isinstance(error, KeyError) and len(error.args) == 1:
        return f"{kind}: there is no key {first_line(error)}"
    return f"{kind}: {first_line(error)}" if str(error).strip() else kind
