/* Contexts (contexts.py): no CPU uses a translation that was changed while it had another space in force.

   One CPU enters a space, leaves it and comes back, and keeps what it knows of the space's only entry meanwhile. The
   other changes the entry, and gives what it meant free when whoever had the space in force has answered.

   -DCOUNT_READ_FIRST lets the CPU read the count of changes before it says that it has the space, -DLOOK_FIRST lets
   the other look who has the space before it counts: a change between then is neither asked for nor counted.
   -DNO_COUNT lets it ask only. Each time the check must fail. */

#define CHANGES 3
#define NOTHING 255

byte entry = 0;                         /* number of what the entry means now */
byte gone = 0;                          /* what came before this has been given free */
byte changes = 0;                       /* AddressSpace.changes */
bit in_force = 0;                       /* InForce.cpus: the CPU says that it has the space */
bit asked = 0;                          /* TLB_FLUSH is pending at the CPU */

active proctype changer()
{
    bit has;
    do
    :: entry == CHANGES -> break
    :: else ->
        entry++;
#ifdef LOOK_FIRST
        has = in_force;
#endif
#ifndef NO_COUNT
        changes++;
#endif
#ifndef LOOK_FIRST
        has = in_force;
#endif
        if
        :: has -> asked = 1; !asked     /* until the answer has come */
        :: else
        fi;
        gone = entry
    od
}

active proctype returner()
{
    byte found;
    byte known = NOTHING;               /* Context.changes */
    byte kept = NOTHING;                /* the translation */
end:
    do
    :: asked -> asked = 0               /* in another space: answered, nothing of this one is forgotten */
    :: true ->
#ifdef COUNT_READ_FIRST
        found = changes;
        in_force = 1;
#else
        in_force = 1;
        found = changes;
#endif
        d_step {
            if
            :: found != known -> known = found; kept = NOTHING
            :: else
            fi;
            found = 0
        };
        do
        :: kept == NOTHING -> kept = entry
        :: d_step { kept != NOTHING -> assert(kept >= gone) }
        :: d_step { asked -> kept = NOTHING; asked = 0 }
        :: in_force = 0; break
        od;
        if                              /* other tables are not loaded yet: speculation may still look */
        :: kept == NOTHING -> kept = entry
        :: true
        fi
    od
}
