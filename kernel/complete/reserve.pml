/* Places in the completion queue (queue.py, enter.py): an operation is accepted only when its completion has a place, so
   a post never finds the queue full, and a full ring can still be emptied by a cancel.

   CAPACITY places, and one more for cancels. -DNO_RESERVATION accepts whatever comes; -DCANCEL_WAITS gives cancels no place
   of their own: the check must fail in both. */

#define CAPACITY 2
#define OPERATIONS 4

byte reserved = 0, unread = 0;          /* under Ring.lock */
byte in_flight = 0;
byte accepted = 0, completed = 0;
bit is_over = 0;

inline post()
{
    assert(unread < CAPACITY + 1);      /* a place is free */
    unread++;
    reserved--;
    completed++
}

active proctype kernel()
{
    byte left = OPERATIONS;
    do
    :: left > 0 ->
        if
#ifdef NO_RESERVATION
        :: atomic { reserved++; accepted++; in_flight++; left-- }
#else
        :: atomic { reserved + unread < CAPACITY -> reserved++; accepted++; in_flight++; left-- }
#endif
        :: atomic { reserved + unread >= CAPACITY -> skip }     /* STALLED */
        fi
    :: left == 0 && in_flight == 0 -> break
    od;
    is_over = 1
}

active proctype event()                 /* ends what is in flight, at any moment or never */
{
    do
    :: atomic { in_flight > 0 -> in_flight--; post() }
    :: is_over -> break
    od
}

active proctype consumer()
{
    do
    :: atomic { unread > 0 -> unread-- }
    :: atomic {
#ifdef CANCEL_WAITS
        in_flight > 0 && reserved + unread < CAPACITY ->
#else
        in_flight > 0 && reserved + unread <= CAPACITY ->
#endif
        reserved++; accepted++;         /* a cancel: its target's completion, then its own */
        in_flight--; post(); post()
       }
    :: atomic { in_flight == CAPACITY && unread == 0 ->         /* full of operations that nothing ends but a cancel */
#ifdef CANCEL_WAITS
        assert(reserved + unread < CAPACITY)
#else
        assert(reserved + unread <= CAPACITY)
#endif
       }
    :: is_over && unread == 0 -> break
    od;
    assert(accepted == completed && reserved == 0)
}
