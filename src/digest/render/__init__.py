"""Values become pages, feeds and mail. Each module takes values in and gives `Page` or `Email` out."""
