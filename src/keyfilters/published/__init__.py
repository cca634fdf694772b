"""The numbers that the papers and their authors print, as data."""
