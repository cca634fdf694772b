"""What tables and figures are drawn with."""
