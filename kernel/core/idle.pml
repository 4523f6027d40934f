/* A CPU that becomes idle, and a thread that is queued behind another one elsewhere (schedule.py): no CPU idles while a
   thread waits that it may run.

   One CPU makes a thread ready whose own CPU runs a thread of a higher priority without end. The other CPU runs out of
   work at any moment: it says that it idles, looks into all queues, and halts until a request.

   -DLOOK_FIRST lets it look before it says so; -DNO_SECOND_LOOK lets whoever queues the thread look for idle CPUs only
   before. Either way both miss each other, and the check must fail. */

bit idles = 0;                          /* the CPU's bit in the mask of idle ones */
bit attention = 0;                      /* a request to it */
bit queued = 0;                         /* the thread is in the busy CPU's queue */
bit is_run = 0;

inline take_idle()
{
    d_step { found = idles; idles = 0 }
}

active proctype make_ready()
{
    bit found;
    take_idle();                        /* a place */
    if
    :: found -> is_run = 1; attention = 1       /* its queue, and it is told that nothing runs there */
    :: else ->
        queued = 1;
#ifndef NO_SECOND_LOOK
        take_idle();
        if
        :: found -> attention = 1
        :: else
        fi
#endif
    fi
}

inline steal()
{
    d_step {
        if
        :: queued -> queued = 0; is_run = 1
        :: else
        fi
    }
}

active proctype idle()
{
end:
    do
    :: !is_run ->
#ifdef LOOK_FIRST
        steal();
        idles = 1;
#else
        idles = 1;
        steal();
#endif
        if
        :: is_run -> idles = 0
        :: else -> atomic { attention -> attention = 0; idles = 0 }     /* halts */
        fi
    :: else -> break
    od
}

active proctype check()
{
    timeout;                            /* nobody can go on */
    assert(is_run)
}
