"""Transfer: filters of one network, in another that is then trained."""
