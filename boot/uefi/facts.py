"""Names of files on the EFI system partition, for the application and for the image builder."""
from compiler.prelude import const

APPLICATION_PATH = const(b"\\EFI\\BOOT\\BOOTX64.EFI")     # UEFI 2.10, 3.5.1.1: where firmware looks
ARCHIVE_PATH = const(b"\\boot\\boot.tar")
