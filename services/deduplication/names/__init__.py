"""What names say and how alike they are."""
