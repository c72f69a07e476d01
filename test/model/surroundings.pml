/* Time, and what may go wrong around the protocol. */

#define IS_TENDED(k) (IS_OWNER(0, k) || OTHERS_TEND(k))
#if TICKETS == 1
#define OTHERS_TEND(k) false
#elif TICKETS == 2
#define OTHERS_TEND(k) IS_OWNER(1, k)
#elif TICKETS == 3
#define OTHERS_TEND(k) (IS_OWNER(1, k) || IS_OWNER(2, k))
#else
#define OTHERS_TEND(k) (IS_OWNER(1, k) || IS_OWNER(2, k) || IS_OWNER(3, k))
#endif

inline forgetRecord(k) {
  record[k].state = ABSENT;
  record[k].token = 0;
  record[k].grant = 0;
  record[k].attempts = 0;
  record[k].suspect = 0;
  record[k].started = 0;
  record[k].live = 0;
  record[k].answer = 0
}

#define COPY(to, from) \
  to.state = from.state; \
  to.token = from.token; \
  to.grant = from.grant; \
  to.attempts = from.attempts; \
  to.suspect = from.suspect; \
  to.started = from.started; \
  to.live = from.live; \
  to.answer = from.answer

#ifdef BROKEN_CLAIM_WITHOUT_A_LEASE
#define LAPSES false
#else
#define LAPSES true
#endif

inline lapse(k) {
  d_step {
    LAPSES && record[k].state == CLAIMED && record[k].live && !IS_TENDED(k) ->
    record[k].live = 0;
    if
    :: record[k].started -> COUNT_FAILURE(k)
    :: else -> skip
    fi;
#ifdef BROKEN_LEASE_IS_THE_EXPIRY
    forgetRecord(k)
#endif
  }
}

/* A lease that nobody tends lapses. */
proctype Time() {
end:
  do
  :: lapse(0)
#if KEYS == 2
  :: lapse(1)
#endif
  od
}

inline suffer(k) {
  known[k].wasLost = 1;
  known[k].excused = 1;
  known[k].unseen = (record[k].state == COMPLETED -> 1 : known[k].unseen)
}

/* The record is lost, or an older one comes back; a dead letter is driven again. */
proctype Trouble() {
end:
  do
  :: d_step {
      losses > 0 && record[0].state != ABSENT ->
      losses--;
      suffer(0);
      forgetRecord(0)
    }
  :: d_step {
      failovers > 0 && snapshot[0].state == ABSENT && record[0].state != ABSENT ->
      COPY(snapshot[0], record[0])
    }
  :: atomic {
      failovers > 0 && snapshot[0].state != ABSENT ->
      if
      :: snapshot[0].live = 0
      :: snapshot[0].live
      fi;
      d_step {
        failovers--;
        suffer(0);
        known[0].failures = (known[0].failures < snapshot[0].attempts -> snapshot[0].attempts : known[0].failures);
        COPY(record[0], snapshot[0]);
        snapshot[0].state = ABSENT;
        snapshot[0].token = 0;
        snapshot[0].grant = 0;
        snapshot[0].attempts = 0;
        snapshot[0].suspect = 0;
        snapshot[0].started = 0;
        snapshot[0].live = 0;
        snapshot[0].answer = 0
      }
    }
  :: d_step {
      redrives > 0 && deadLetters[0] > 0 ->
      redrives--;
      deadLetters[0]--;
      ready[0]++
    }
  od
}

#define IS_DONE(k) (known[k].effects > 0 || deadLetters[k] > 0 || known[k].skippedOnPurpose)
#if KEYS == 1
#define ALL_DONE IS_DONE(0)
#else
#define ALL_DONE (IS_DONE(0) && IS_DONE(1))
#endif

/* Where nothing can happen any more, everything was settled, and rightly. */
proctype Auditor() {
end:
  timeout -> HOLDS(THE_END_IS_SETTLED, IS_QUIET && ALL_DONE)
}
