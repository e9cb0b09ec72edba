"""What the readers of foreign eval files share: JSON by pieces, texts and numbers within bounds, names of samples."""
