"""Transfer: filters of one network, in another that is then trained."""

from keyfilters.transfer.job import transfer

__all__ = ["transfer"]
