/* A ring's call on its way to a receiver and back (messages.py): who delivers it, who answers it and who cancels it end it
   once, and after that nobody has an answer to give to the record's next call.

   -DSTALE_LOOK judges a claim that failed by the state a moment later (PENDING by then: taken for ended); -DNO_SERIAL
   answers whatever call the record is of now: the check must fail in both. */

#define FREE    0
#define PENDING 1
#define MOVING  2
#define CLAIMED 3

byte state = PENDING;                   /* of the record, queued */
byte serial = 1;
byte completions[3];                    /* of the call of this serial */
byte answered[3];                       /* by whom answers count */
bit lock = 0;                           /* Ring.lock: records change hands under it */
bit is_owed = 0;                        /* the answer: its caller, and the serial that it is for */
byte owed_serial = 0;
bit is_delivered = 0, replied = 0, is_cancelled = 0;

inline take() { atomic { lock == 0 -> lock = 1 } }

inline end_call()
{
    take();
    completions[serial]++;
    state = FREE;
    lock = 0
}

active proctype deliverer()
{
    bit mine = 0;
    atomic { if :: state == PENDING && serial == 1 -> state = MOVING; mine = 1 :: else fi };
    if
    :: mine ->
        owed_serial = serial;
        is_owed = 1;
        is_delivered = 1;               /* the receiver can answer from here on */
        state = PENDING
    :: else -> is_delivered = 1
    fi
}

active proctype replier()
{
    bit found, mine, goes_on;
    byte seen;
    is_delivered;
    atomic { found = is_owed; is_owed = 0 };
    mine = 0;
    goes_on = found;
    do
    :: goes_on ->
        take();
        if
#ifndef NO_SERIAL
        :: serial != owed_serial -> goes_on = 0
#endif
        :: else ->
            atomic { seen = state; if :: state == PENDING -> state = CLAIMED; mine = 1; goes_on = 0 :: else fi };
#ifdef STALE_LOOK
            if :: !mine -> seen = state :: else fi;
#endif
            if :: !mine && seen != MOVING -> goes_on = 0 :: else fi
        fi;
        lock = 0
    :: else -> break
    od;
    if
    :: mine -> answered[serial]++; end_call()
    :: else -> if :: found && !is_cancelled && serial == owed_serial -> assert(completions[owed_serial] == 1 || state == CLAIMED) :: else fi
    fi;
    replied = 1
}

active proctype canceller()
{
    bit mine = 0;
    if
    :: skip ->                          /* cancels, or leaves it */
        do
        :: atomic { state == PENDING -> state = CLAIMED; mine = 1; is_cancelled = 1 }; break
        :: atomic { state == FREE || state == CLAIMED -> break }
        od;
        if
        :: mine -> is_owed = 0; end_call()
        :: else
        fi
    :: skip
    fi;
    state == FREE;
    take();                             /* the user submits the next call in the same slot; nobody receives it */
    serial = 2;
    state = PENDING;
    lock = 0;
    replied;
    assert(completions[1] == 1);
    assert(completions[2] == 0 && answered[2] == 0)
}
