"""``appliance bench``: what this host and this build are worth, measured on the host itself."""
