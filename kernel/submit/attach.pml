/* An operation begins with a handle while that is closed, and while its lease ends (attachment.py, caps/table.py,
   caps/lease.py): when both are over, it has ended or never begun.

   x86 lets a load pass an earlier store, but both sides use locked instructions here, so plain interleavings are enough.
   -DNO_SECOND_LOOK counts the operation and goes on; -DCOUNT_FIRST closes by looking at the count before it empties the
   slot; -DNO_USE leaves the operation off its lease's list: the check must fail in all. */

#define CLAIMED 1                       /* is begun or ended by somebody */
#define PENDING 2
#define FREE    3

byte state = CLAIMED;
bit is_named = 1;                       /* the handle names the capability */
byte operations = 0;                    /* of the slot */
bit is_in_force = 1, is_listed = 0, lease_lock = 0;
byte ended = 0;

inline claim_and_end()
{
    do
    :: atomic { state == PENDING -> state = CLAIMED }; operations--; is_listed = 0; state = FREE; break
    :: state == FREE -> break
    od
}

active proctype begin()
{
    bit is_good;
    is_good = is_named && is_in_force;
    if
    :: is_good ->
        operations++;
#ifndef NO_SECOND_LOOK
        if :: !is_named -> operations--; is_good = 0 :: else fi
#endif
    :: else
    fi;
    if
    :: is_good ->
#ifndef NO_USE
        atomic { lease_lock == 0 -> lease_lock = 1 };
        if :: is_in_force -> is_listed = 1 :: else -> operations--; is_good = 0 fi;
        lease_lock = 0
#else
        if :: is_in_force -> skip :: else -> operations--; is_good = 0 fi
#endif
    :: else
    fi;
    if :: is_good -> state = PENDING :: else -> state = FREE fi;
    ended++
}

active proctype close()
{
    bit has_operations;
    if
    :: skip ->
#ifdef COUNT_FIRST
        has_operations = operations != 0;
        is_named = 0;
#else
        is_named = 0;
        has_operations = operations != 0;
#endif
        if :: has_operations -> claim_and_end() :: else fi;
        state != CLAIMED;
        assert(state != PENDING)
    :: skip
    fi;
    ended++
}

active proctype end_lease()
{
    bit was_listed;
    if
    :: skip ->
        is_in_force = 0;
        atomic { lease_lock == 0 -> lease_lock = 1 };
        was_listed = is_listed;
        lease_lock = 0;
        if :: was_listed -> claim_and_end() :: else fi;
        state != CLAIMED;
        assert(state != PENDING)
    :: skip
    fi;
    ended++
}
