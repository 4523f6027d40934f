"""The services that init runs, in a page that init writes and others read: what each is called and how it fares.

Handles in it are the reader's own: init puts the capabilities into the reader's table.
"""
from compiler.prelude import array, const, sizeof, struct, u8, u64

MOST_SERVICES = const(8)
SERVICE_NAME_BYTES = const(24)
# Names of what programs are given:
TABLE_NAME: str = "services"            # the page, and the notification that ends a service
CALLS_NAME: str = "calls"               # the channel on which a service receives
NAMES_NAME: str = "names"               # the channel on which names are asked for
SERVICE_PREFIX: str = "service."        # before the name of a service, of what the name service is given
KILL_NAME: str = "services.kill"     # by its bit, which is its place in the table


@struct
class Service:
    process: u64                        # handles
    thread: u64
    account: u64
    starts: u64                         # how often it has been started; 0: there is none in this place
    name_length: u64
    name: array[u8, SERVICE_NAME_BYTES]


@struct
class ServiceTable:
    services: array[Service, MOST_SERVICES]


assert sizeof(ServiceTable) <= 4096
