"""Who may see which system, and the machine tokens they answer for."""
