/* A watch's folded event against a consumer that reads (latch.py, userspace/lib/ring.py): after both have done their
   part the event has been posted, or the consumer has entered the kernel to have it posted.

   x86 lets a load pass an earlier store of the same processor: each side's store waits in a buffer of its own until it
   is flushed. -DNO_CONSUMER_FENCE and -DNO_PRODUCER_FENCE leave a fence out; the check must then fail. */

bit head = 0, flag = 0;                 /* memory: completion_head has passed the entry; NEED_KICK */
bit consumer_stores = 0, producer_stores = 0;           /* the store buffers */
bit is_folded = 0, is_posted = 0, is_kicked = 0;
byte ended = 0;

active proctype consumer()
{
    consumer_stores = 1;                /* completion_head: the entry has been read */
#ifndef NO_CONSUMER_FENCE
    consumer_stores == 0;               /* fence */
#endif
    if
    :: flag == 1 -> is_kicked = 1
    :: else
    fi;
    ended++
}

active proctype producer()              /* holds the ring's lock */
{
    is_folded = 1;
    producer_stores = 1;                /* NEED_KICK */
#ifndef NO_PRODUCER_FENCE
    producer_stores == 0;               /* fence */
#endif
    if
    :: head == 1 -> is_posted = 1
    :: else
    fi;
    ended++
}

active proctype consumer_buffer()
{
    atomic { consumer_stores == 1 -> head = 1; consumer_stores = 0 }
}

active proctype producer_buffer()
{
    atomic { producer_stores == 1 -> flag = 1; producer_stores = 0 }
}

active proctype check()
{
    ended == 2;
    assert(!is_folded || is_posted || is_kicked)
}
