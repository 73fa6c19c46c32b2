"""Configuration that ships: profiles, scenarios, example mappings. YAML only, no code."""
