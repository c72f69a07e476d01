/* The claim protocol as built: README.md tells what is modelled and what is checked. */

/* Sizes. */
#ifndef PROCESSES
#define PROCESSES 2
#endif
/* Deliveries that one process claims at once; their handlers run one after the other. */
#ifndef BATCH
#define BATCH 1
#endif
#define TICKETS (PROCESSES * BATCH)
#ifndef KEYS
#define KEYS 1
#endif
/* Deliveries of each key at the beginning: one, or more where a producer or a broker sent it again. */
#ifndef COPIES
#define COPIES 2
#endif
/* Copies of calls that may be under way at once. */
#ifndef LATE
#define LATE 1
#endif
#ifndef MAX_ATTEMPTS
#define MAX_ATTEMPTS 2
#endif

/* Policies. */
#ifndef FAIL_OPEN
#define FAIL_OPEN 0
#endif
#ifndef DEAD_LETTERS
#define DEAD_LETTERS 1
#endif

/* How often each kind of trouble may happen. */
#ifndef NET_FAULTS
#define NET_FAULTS 0
#endif
#ifndef CRASHES
#define CRASHES 0
#endif
#ifndef STALLS
#define STALLS 0
#endif
#ifndef TIME_UPS
#define TIME_UPS 0
#endif
#ifndef FAILURES
#define FAILURES 0
#endif
#ifndef SKIPS
#define SKIPS 0
#endif
#ifndef LOSSES
#define LOSSES 0
#endif
#ifndef FAILOVERS
#define FAILOVERS 0
#endif
#ifndef SHUTDOWNS
#define SHUTDOWNS 0
#endif
#ifndef LOST_ACKS
#define LOST_ACKS 0
#endif
#ifndef DEAD_LETTER_FAULTS
#define DEAD_LETTER_FAULTS 0
#endif
#ifndef REDRIVES
#define REDRIVES 0
#endif

/* What is left of it. */
byte netFaults = NET_FAULTS;
byte crashes = CRASHES;
byte stalls = STALLS;
byte timeUps = TIME_UPS;
byte failures = FAILURES;
byte skips = SKIPS;
byte losses = LOSSES;
byte failovers = FAILOVERS;
byte shutdowns = SHUTDOWNS;
byte lostAcks = LOST_ACKS;
byte deadLetterFaults = DEAD_LETTER_FAULTS;
byte redrives = REDRIVES;

#include "record.pml"

/* What a failover brings back. */
Record snapshot[KEYS];

#include "decisions.pml"
#include "delivery.pml"
#include "properties.pml"
#include "network.pml"
#include "ticket.pml"
#include "answers.pml"
#include "mishaps.pml"
#include "worker.pml"
#include "surroundings.pml"

init {
  atomic {
    byte each = 0;
    do
    :: each < KEYS -> ready[each] = COPIES; each++
    :: else -> break
    od;
    each = 0;
    do
    :: each < TICKETS -> run Worker(each); each++
    :: else -> break
    od;
    run Network();
    run Time();
    run Trouble();
    run Auditor()
  }
}

ltl progress { <>[] IS_QUIET }
