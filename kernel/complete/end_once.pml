/* The end of an operation (finish.py): an event, a deadline and a cancel meet. Exactly one ends it, its completion comes
   before the cancel's own, and its record is free by then.

   -DNO_CLAIM lets each look at the state and then end the operation without a compare-exchange; the check must fail. */

#define PENDING 0
#define CLAIMED 1
#define FREE    2

byte state = PENDING;
byte completions = 0;
bit lock = 0;
byte ended = 0;

inline take_lock() { atomic { lock == 0 -> lock = 1 } }

inline end_operation()
{
    take_lock();                        /* Ring.lock */
    state = FREE;
    completions++;
    lock = 0
}

inline try_to_end(won)
{
#ifdef NO_CLAIM
    won = (state == PENDING);
    if
    :: won -> state = CLAIMED
    :: else
    fi;
#else
    atomic { won = (state == PENDING); if :: won -> state = CLAIMED :: else fi };
#endif
    if
    :: won -> end_operation()
    :: else
    fi
}

active proctype event()
{
    bit won;
    try_to_end(won);
    ended++
}

active proctype deadline()
{
    bit won;
    try_to_end(won);
    ended++
}

active proctype cancel()
{
    bit won;
    try_to_end(won);
    state != CLAIMED;                   /* whoever claimed it is about to complete it, and may hold the lock still */
    take_lock();
    assert(completions == 1);
    lock = 0;
    ended++
}

active proctype check()
{
    ended == 3;
    assert(completions == 1 && state == FREE)
}
