"""Who may see which system, and the tokens they answer for."""
