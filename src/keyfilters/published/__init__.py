"""The numbers that the papers print, as data: table, row, column, value."""
