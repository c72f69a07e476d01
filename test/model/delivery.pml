/* Deliveries as the processes hold them, and what the broker and the checker know of each key. */

/* Where a delivery stands: Attendance, admit and GrantedRun of packages/core/src. */
#define IDLE          0
/* Waits for an equal key of its own process. */
#define WAITING       1
#define CLAIMING      2
#define STARTING      3
#define GRANTED       4
#define RUNNING       5
#define COMPLETING    6
#define DEAD_LETTERING 7
#define RELEASING     8
/* A claim without an answer is released by its token, in the background. */
#define GIVING_UP     9
#define RUNNING_OPEN  10
#define COMPLETING_OPEN 11
#define SETTLING      12
#define GOING_BACK    13
#define TAKING_OVER   14

/* What follows a release. */
#define THEN_RETRY  1
#define THEN_AGAIN  2
#define THEN_SETTLE 3
#define THEN_SETTLE_IF_ANSWERED 4
#define THEN_RETURN 5

typedef Ticket {
  unsigned step : 4;
  unsigned key : 1;
  unsigned token : 4;
  unsigned grant : 5;
  unsigned attempt : 3;
  unsigned unanswered : 2;
  /* The local deadline has not passed: the last answered call was sent less than a lease minus a margin ago. */
  bit fresh;
  /* A renewal was answered `lost`. */
  bit lost;
  bit suspect;
  bit exhausted;
  unsigned abortedBy : 2;
  bit claimLost;
  unsigned releaseAs : 3;
  unsigned then : 3;
  /* For the checker: an effect that no verdict has told of yet; a token that this delivery drew before and never released. */
  bit hasEffect;
  unsigned formerToken : 4
}

Ticket ticket[TICKETS];
bit closing[PROCESSES];

/* The broker: deliveries that nobody holds, and dead letters. */
byte ready[KEYS];
byte deadLetters[KEYS];

/* What the checker knows. */
typedef Known {
  unsigned effects : 2;
  /* Failures, and marked starts that ended in a lapse, since the last reset. */
  unsigned failures : 4;
  /* Processes that died while the handler ran, since the last reset. */
  unsigned deaths : 3;
  /* Why a second effect may happen: a stall while a handler ran or completed, a loss in the store, fail-open, ... */
  bit excused;
  /* Nobody can see it: a completed record was lost, or a process died between its effect and its verdict. */
  bit unseen;
  /* An outcome, or only an incident, told that a double is possible. */
  bit reported;
  bit incident;
  bit wasLost;
  bit wasCompleted;
  bit skippedOnPurpose;
  unsigned lastGrant : 5
}

Known known[KEYS];

#define MY ticket[t]
#define KEY ticket[t].key
#define PROCESS(t) (t / BATCH)
/* The other delivery of the same process; with a batch of one, the delivery itself. */
#define SIBLING(t) (BATCH == 2 -> t - t % 2 + 1 - t % 2 : t)
#define HOLDS_LOCAL_KEY(x) (ticket[x].step > WAITING && ticket[x].step != SETTLING)
#define TENDS(x) (ticket[x].step >= STARTING && ticket[x].step <= RELEASING)
#define IS_OWNER(x, k) (TENDS(x) && ticket[x].key == k && ticket[x].fresh && !ticket[x].lost && \
  record[k].state == CLAIMED && record[k].token == ticket[x].token && record[k].grant == ticket[x].grant)

#define RENEWAL_MATTERS(t) (!MY.fresh || !IS_OWNER(t, KEY) || !record[KEY].live)

#if TICKETS == 1
#define ALL_IDLE (ticket[0].step == IDLE)
#elif TICKETS == 2
#define ALL_IDLE (ticket[0].step == IDLE && ticket[1].step == IDLE)
#elif TICKETS == 3
#define ALL_IDLE (ticket[0].step == IDLE && ticket[1].step == IDLE && ticket[2].step == IDLE)
#else
#define ALL_IDLE (ticket[0].step == IDLE && ticket[1].step == IDLE && ticket[2].step == IDLE && ticket[3].step == IDLE)
#endif
#if KEYS == 1
#define NONE_READY (ready[0] == 0)
#else
#define NONE_READY (ready[0] == 0 && ready[1] == 0)
#endif
/* Whether no other delivery of the key is left. */
#if TICKETS == 1
#define NO_OTHER(t) true
#elif TICKETS == 2
#define NO_OTHER(t) OTHERS_KEY(t, 1)
#elif TICKETS == 3
#define NO_OTHER(t) (OTHERS_KEY(t, 1) && OTHERS_KEY(t, 2))
#else
#define NO_OTHER(t) (OTHERS_KEY(t, 1) && OTHERS_KEY(t, 2) && OTHERS_KEY(t, 3))
#endif
#define OTHERS_KEY(t, n) (ticket[(t + n) % TICKETS].step == IDLE || ticket[(t + n) % TICKETS].key != KEY)
#define IS_LAST(t) (ready[KEY] == 0 && NO_OTHER(t))

#define IS_QUIET (ALL_IDLE && NONE_READY)
