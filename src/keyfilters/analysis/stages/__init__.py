"""The analysis as jobs of a study: what each keeps in its artifact, and how it is read again.

A set of filters (`analysis.sets`) is the layers of the store of one kernel size and of some kinds, in the store's
order; every artifact has one array or one part of a table per set.
"""
