/* A CPU that goes off line (schedule.py): no thread stays in its queue.

   Another CPU makes a thread ready, to which this CPU's queue belongs: it may have found the CPU on line just before,
   and put the thread into the queue at any later time. It sends a request unless what the queue notes as running says
   that the CPU will look by itself, at the end of the slice.

   -DSTALE_NOTE lets a CPU off line whose queue is empty keep the note of what it ran last: whoever adds a thread then
   trusts in the end of a slice that never comes, and the check must fail. */

bit is_online = 1;
bit runs = 1;                           /* RunQueue.running, of the level of the thread that is added */
bit attention = 0;                      /* a request, which also ends a halt */
bit slice_ends = 0;                     /* the alarm, while a thread runs */
byte length = 0;
byte elsewhere = 0;                     /* threads that run, here while on line or on another CPU */
byte to_itself = 0;                     /* threads that this CPU gave away and was given */

active proctype make_ready()
{
    bit sends;
    if
    :: is_online ->
        d_step {                        /* under the queue's lock */
            length++;
            sends = !runs;
            slice_ends = runs
        };
        if
        :: sends -> attention = 1
        :: else
        fi
    :: else -> elsewhere++
    fi
}

active proctype switch_off()
{
    is_online = 0;
    attention = 1;
    if
    :: true -> is_online = 1; attention = 1
    :: true
    fi
}

active proctype target()
{
    bit taken;
end:
    do
    :: atomic { attention || slice_ends && is_online -> attention = 0; slice_ends = 0 };
        if
        :: is_online ->                 /* takes turns: whoever is in the queue runs */
            d_step { elsewhere = elsewhere + length; length = 0; runs = 1 }
        :: else ->
            do
#ifndef NO_SECOND_LOOK
            :: is_online -> break
            :: !is_online ->
#else
            ::
#endif
#ifdef STALE_NOTE
                if
                :: length == 0 -> break
                :: else
                fi;
#endif
                d_step { taken = length > 0; length = length - taken; runs = 0 };
                if
                :: taken && is_online ->
                    to_itself++;
                    assert(to_itself == 1);         /* back on line after the look */
                    d_step { length++; attention = 1 }
                :: taken && !is_online -> elsewhere++
                :: else -> break
                fi
            od
        fi
    od
}

active proctype check()
{
    timeout;                            /* nobody can go on */
    assert(length == 0 && elsewhere == 1)
}
