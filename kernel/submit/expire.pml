/* A deadline's action (operations.py) that comes late: taken off the timer queue, it finds the operation ended and its
   record in use for another one, whose own deadline has not come. It must not end that.

   -DNO_LOOK lets it claim whatever it finds, and -DNO_LOCK lets it look at the deadline before it takes the ring's lock;
   the check must fail for both. */

#define FREE    0
#define PENDING 1
#define CLAIMED 2

byte state = PENDING;
byte operation = 1;                     /* which of the two the record stands for */
bit due = 1;                            /* the deadline of that one has come */
bit lock = 0;
byte ended_by_deadline = 0;

inline take_lock() { atomic { lock == 0 -> lock = 1 } }

active proctype deadline()
{
    bit won = 0;
    bit is_due = 1;
#ifdef NO_LOCK
    is_due = due;
#endif
    take_lock();                        /* Ring.lock */
#ifndef NO_LOOK
#ifndef NO_LOCK
    is_due = due;
#endif
#endif
    if
    :: is_due -> atomic { won = (state == PENDING); if :: won -> state = CLAIMED :: else fi }
    :: else
    fi;
    lock = 0;
    if
    :: won -> ended_by_deadline = operation
    :: else
    fi
}

active proctype event_and_next()
{
    bit won;
    atomic { won = (state == PENDING); if :: won -> state = CLAIMED :: else fi };
    if
    :: won ->
        take_lock();
        state = FREE;
        lock = 0;
        take_lock();                    /* the ring takes its next entry, in the same slot */
        operation = 2;
        due = 0;
        state = CLAIMED;
        lock = 0;
        state = PENDING
    :: else
    fi
}

active proctype check()
{
    timeout;
    assert(ended_by_deadline != 2)
}
