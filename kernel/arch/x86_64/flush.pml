/* A request to forget translations (tlb.py): no request stays in its asker's list for ever.

   One CPU asks twice without waiting between, as a ring with two unmappings does. The other may be looking through the
   first request while the second is made; each request must be found by a look after the answer that covers it.

   -DNOTE_BY_LOOK lets the look take the note of who asked, instead of the answer: the look after the first answer then
   takes the note of a second request that is not answered yet, and the check must fail. */

#define REQUESTS 2

byte newest = 0;                        /* number of the newest request */
byte answered = 0;                      /* newest request that the target's last answer covers */
bit asker = 0;                          /* Inbox.askers: the other CPU is noted */
bit covered = 0;                        /* Inbox.covered: the target's own */
bit must_answer = 0;                    /* TLB_FLUSH is pending at the target */
bit must_look = 0;                      /* FLUSHED is pending at the target */
bit listed[REQUESTS + 1] = 0;           /* Requests.first; index is the request's number */
byte finished = 0;

active proctype asks()
{
    byte number = 0;
    do
    :: number == REQUESTS -> break
    :: else ->
        newest++;
        number = newest;
        listed[number] = 1;             /* under Requests.lock */
        asker = 1;
        must_answer = 1
    od
}

inline answer()
{
    byte seen;
#ifndef NOTE_BY_LOOK
    d_step { covered = covered | asker; asker = 0 };
#endif
    seen = newest;
    answered = seen;
    must_look = 1
}

inline look_through()
{
    byte index;
#ifdef NOTE_BY_LOOK
    d_step { covered = asker; asker = 0 };
#endif
    if
    :: covered ->
        covered = 0;
        d_step {                        /* under Requests.lock */
            index = 1;
            do
            :: index > REQUESTS -> break
            :: else ->
                if
                :: listed[index] && index <= answered -> listed[index] = 0; finished++
                :: else
                fi;
                index++
            od;
            index = 0
        }
    :: else
    fi
}

active proctype target()
{
end:
    do
    :: atomic { must_answer -> must_answer = 0 };
        answer()
    :: atomic { must_look -> must_look = 0 };
        look_through()
    od
}

active proctype check()
{
    timeout;                            /* nobody can go on */
    assert(finished == REQUESTS)
}
