"""What tests need to start a guest, follow it and judge it."""
