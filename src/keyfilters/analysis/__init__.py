"""PCA, drift and degeneration of filters, equations (1)-(9) of CNN Filter DB.

Passes over the data. Moments of all scaled filters (1)-(2) need one pass, and nothing less than all filters gives the
basis. The range of the histograms (section 3.3) is the smallest and the largest coefficient of the study: coefficients
need the basis, so a second pass. Their counts need the range, so a third. `range: bounded` takes instead of the
observed range the one that scaled filters cannot leave, which the basis alone gives, and saves the second pass.
Scaling (9) is done again in every pass: it costs less than reading its result would.
"""
