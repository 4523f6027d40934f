"""Tests of the doors: the loader's pure parts on the host, each door in a guest, images and the flash tool."""
