"""What ``appliance bench`` measures with compiled code of its own."""
