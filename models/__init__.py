"""What is normal, learned from history. scikit-learn lives here and only here."""
