/* One delivery at a time, from its arrival to its settlement: attendance.ts, admission.ts, run-granted.ts, store-calls.ts. */

/* The smallest token that nothing names any more: as good as a new one, because tokens are only compared. */
inline drawToken(t) {
  d_step {
    MY.token = 1;
    index = 0;
    do
    :: index < TICKETS ->
      if
      :: (index != t && ticket[index].key == KEY && ticket[index].token == MY.token) ||
         (ticket[index].key == KEY && ticket[index].formerToken == MY.token) -> MY.token++; index = 0
      :: else -> index++
      fi
    :: index >= TICKETS && index < TICKETS + LATE ->
      if
      :: late[index - TICKETS].verb != 0 && late[index - TICKETS].key == KEY && late[index - TICKETS].token == MY.token ->
        MY.token++;
        index = 0
      :: else -> index++
      fi
    :: index == TICKETS + LATE ->
      if
      :: record[KEY].token == MY.token || snapshot[KEY].token == MY.token -> MY.token++; index = 0
      :: else -> break
      fi
    od;
    assert(MY.token < 15);
    index = 0
  }
}

/* Lets go of everything but the place of the delivery. */
inline letGo(t) {
  MY.grant = 0;
  MY.attempt = 0;
  MY.unanswered = 0;
  MY.fresh = 0;
  MY.lost = 0;
  MY.suspect = 0;
  MY.exhausted = 0;
  MY.abortedBy = 0;
  MY.releaseAs = 0;
  MY.then = 0
}

inline forgetDelivery(t) {
  letGo(t);
  MY.token = 0;
  MY.claimLost = 0;
  MY.hasEffect = 0;
  MY.formerToken = 0
}

/*
 * After a step: a delivery that goes back to the broker (verdict `retry` or `return`), one with the verdict `ack`, which
 * the adapter still has to settle, or one that is claimed again, with a new token unless told otherwise.
 */
inline tidy(t) {
  if
  :: MY.step == GOING_BACK ->
    ready[KEY]++;
    forgetDelivery(t);
    MY.step = IDLE;
    MY.key = 0
  :: MY.step == SETTLING -> forgetDelivery(t)
  :: MY.step == CLAIMING && MY.grant != 0 ->
    letGo(t);
#ifndef BROKEN_TOKEN_REUSED_AFTER_RELEASE
    MY.token = 0
#endif
  :: else -> skip
  fi
}

/* The one report of a delivery: Engine.report. An earlier run that lost its claim makes it `claim_lost`. */
inline report(t, isAboutADouble) {
  known[KEY].reported = (isAboutADouble || MY.claimLost -> 1 : known[KEY].reported)
}

inline toRelease(t, as, after) {
  MY.step = RELEASING;
  MY.releaseAs = as;
  MY.then = after
}

/*
 * Whether an ending or a start mark that was not answered may be sent again: a renewal that was answered `lost` may just
 * have come after it.
 */
#define LEASE_LIVES MY.fresh

/* Without a dead-letter target, what is exhausted runs all the same, but is held for one back-off after a takeover. */
#ifdef BROKEN_EXHAUSTED_NEVER_RUNS
#define IS_HELD_BACK true
#else
#define IS_HELD_BACK (reply == TAKEN_OVER || (reply == ACQUIRED && record[KEY].suspect))
#endif

inline afterClaim(t) {
  if
  :: reply == ACQUIRED || reply == RECLAIMED || reply == TAKEN_OVER ->
    d_step {
      MY.step = GRANTED;
      MY.grant = record[KEY].grant;
      MY.attempt = (attempt < 7 -> attempt : 7);
      MY.suspect = record[KEY].suspect;
      MY.exhausted = IS_EXHAUSTED(attempt) && (DEAD_LETTERS || IS_HELD_BACK);
      MY.fresh = 1;
      MY.unanswered = 0;
      MY.formerToken = 0;
      checkOneOwner(t)
    }
  :: reply == DUPLICATE -> d_step { report(t, 0); MY.step = SETTLING }
  :: reply == STALE -> MY.token = 0
  :: reply == BUSY ->
    /* Nobody waits for itself. */
    HOLDS(NOBODY_WAITS_FOR_ITSELF, record[KEY].token != MY.formerToken &&
      (SIBLING(t) == t || ticket[SIBLING(t)].key != KEY || ticket[SIBLING(t)].token != record[KEY].token));
    if
    :: MY.unanswered = 0
    :: report(t, 0); MY.step = GOING_BACK
    /* Asked ahead of its run, it leaves the key of its process to others and claims anew when it runs. */
    :: BATCH > 1 && !MY.claimLost -> MY.unanswered = 0; MY.token = 0; MY.step = WAITING
    fi
  :: reply == UNANSWERED ->
    MY.unanswered = (MY.unanswered < 3 -> MY.unanswered + 1 : 3);
#ifdef BROKEN_RETRY_WITH_A_FRESH_TOKEN
    MY.formerToken = MY.token;
    MY.token = 0;
#endif
    if
    :: !FAIL_OPEN
    :: !FAIL_OPEN -> MY.step = GIVING_UP
    /* Ahead of its run there is one try: its token is released and dead. */
    :: BATCH > 1 && !MY.claimLost -> MY.step = GIVING_UP; MY.then = THEN_AGAIN
    :: FAIL_OPEN && MY.unanswered < TRIES_BEFORE_FAIL_OPEN
    :: FAIL_OPEN && MY.unanswered >= TRIES_BEFORE_FAIL_OPEN -> MY.step = RUNNING_OPEN
    fi
  fi
}

inline afterStart(t) {
  if
  :: reply == OK -> MY.fresh = 1; MY.suspect = 0; MY.step = GRANTED
  :: reply == LOST -> MY.step = CLAIMING
  :: reply == UNANSWERED ->
    if
    :: LEASE_LIVES
    :: toRelease(t, RELEASE_UNSTARTED, THEN_RETRY)
    fi
  fi
}

inline afterCompletion(t) {
  if
  :: reply == DONE_OK ->
    d_step {
      /* Who is told `ok` had no successor. */
      HOLDS(OK_MEANS_NO_SUCCESSOR, known[KEY].lastGrant == MY.grant || known[KEY].wasLost);
      report(t, 0);
      MY.step = SETTLING
    }
  :: reply == DONE_LATE || reply == VANISHED -> d_step { report(t, 1); MY.step = SETTLING }
  :: reply == STOLEN ->
    d_step {
      /* No false alarm: a claim is only lost where it may be. */
      HOLDS(NO_FALSE_ALARM, known[KEY].excused);
      report(t, 1);
      MY.step = SETTLING
    }
  :: reply == UNANSWERED ->
    if
    :: LEASE_LIVES
    :: d_step {
#ifndef BROKEN_UNRECORDED_NOT_REPORTED
        report(t, 1);
#endif
        known[KEY].excused = 1;
        MY.step = SETTLING
      }
    fi
  fi
}

inline afterRelease(t) {
  if
  :: reply == UNANSWERED && LEASE_LIVES
  :: true ->
    if
    :: MY.then == THEN_RETRY -> report(t, 0); MY.step = GOING_BACK
    :: MY.then == THEN_AGAIN -> MY.step = CLAIMING
    :: MY.then == THEN_SETTLE -> report(t, 0); known[KEY].skippedOnPurpose = 1; MY.step = SETTLING
    :: MY.then == THEN_RETURN -> returnUntouched(t)
    :: MY.then == THEN_SETTLE_IF_ANSWERED ->
      report(t, 0);
      if
#ifdef BROKEN_SETTLED_BEFORE_THE_RESET_WAS_ANSWERED
      :: true ->
#else
      :: reply == UNANSWERED -> MY.step = GOING_BACK
      :: reply != UNANSWERED ->
#endif
        d_step {
          /* What is settled as poison starts afresh when it is re-driven, unless another delivery came between. */
          if
          :: reply != LOST -> FORGET_FAILURES(KEY)
          :: else -> skip
          fi;
          MY.step = SETTLING
        }
      fi
    fi
  fi
}

/* The verdict `return`: reports nothing, not even that an earlier run lost its claim. */
inline returnUntouched(t) {
  known[KEY].incident = (MY.claimLost && MY.hasEffect -> 1 : known[KEY].incident);
  MY.step = GOING_BACK
}

inline afterRenewal(t) {
  if
  :: reply == OK || reply == RESTORED ->
    d_step {
      MY.fresh = 1;
      checkOneOwner(t)
    }
  :: reply == LOST ->
    MY.lost = 1;
    if
    :: MY.step == RUNNING && MY.abortedBy == NOT_ABORTED -> MY.abortedBy = LEASE_LOST
    :: else -> skip
    fi
  :: reply == UNANSWERED -> skip
  fi
}

/* An unprotected run records its completion by token alone, with one try. */
inline afterOpenCompletion(t) {
  d_step {
    report(t, 1);
    MY.step = SETTLING
  }
}

inline actAfterRun(t, withEffect) {
    if
    :: next == NEXT_COMPLETE -> MY.step = COMPLETING
    :: next == NEXT_SKIP -> toRelease(t, RELEASE_UNSTARTED, THEN_SETTLE)
    :: next == NEXT_CLAIM_AGAIN -> MY.claimLost = 1; toRelease(t, RELEASE_UNSTARTED, THEN_AGAIN)
    :: next == NEXT_FAIL || next == NEXT_POISON ->
      COUNT_FAILURE(KEY);
      /* Time up, the signal read, and the work done all the same: an incident is all that tells of it. */
      known[KEY].incident = (withEffect -> 1 : known[KEY].incident);
      MY.hasEffect = (MY.claimLost -> MY.hasEffect : 0);
      if
      :: next == NEXT_FAIL -> toRelease(t, RELEASE_FAILED, THEN_RETRY)
      :: else -> MY.step = DEAD_LETTERING
      fi
    fi;
    next = 0
}

/* In a batch a handler starts when the one before has resolved and its completion is on its way. */
#define IN_TURN(t) (SIBLING(t) == t || ticket[SIBLING(t)].step < STARTING || \
  ticket[SIBLING(t)].step == GRANTED || ticket[SIBLING(t)].step == COMPLETING || ticket[SIBLING(t)].step == GIVING_UP)

#ifdef BROKEN_BATCH_SHARES_A_TOKEN
#define BROKEN_BATCH_NOT_MERGED
#define SHARES_TOKEN(t) (SIBLING(t) != t && ticket[SIBLING(t)].key == KEY && ticket[SIBLING(t)].token != 0)
#endif

#ifdef BROKEN_BATCH_NOT_MERGED
#define MAY_CLAIM(t) true
#else
#define MAY_CLAIM(t) (SIBLING(t) == t || ticket[SIBLING(t)].key != KEY || !HOLDS_LOCAL_KEY(SIBLING(t)))
#endif

#ifdef BROKEN_NO_FRESHNESS_CHECK
#define MAY_BEGIN true
#else
#define MAY_BEGIN (MY.fresh && !MY.lost)
#endif

#ifdef BROKEN_START_NOT_MARKED
#define MUST_MARK false
#else
#define MUST_MARK MY.suspect
#endif

/* What there is to send. A renewal is left out where it could change nothing, unless something goes wrong with it. */
inline chooseCall(t) {
  if
  :: MY.step == CLAIMING && !closing[PROCESS(t)] ->
    if
    :: MY.token == 0 -> drawToken(t)
    :: else -> skip
    fi;
#ifdef BROKEN_BATCH_SHARES_A_TOKEN
    if
    :: SHARES_TOKEN(t) -> MY.token = ticket[SIBLING(t)].token
    :: else -> skip
    fi;
#endif
    verb = CLAIM
#ifdef BROKEN_TAKEOVER_READS_THEN_WRITES
  :: MY.step == TAKING_OVER -> verb = TAKE
#endif
  :: MY.step == STARTING -> verb = START
  :: MY.step == COMPLETING || MY.step == COMPLETING_OPEN -> verb = COMPLETE
  :: MY.step == RELEASING -> verb = MY.releaseAs
  :: MY.step == GIVING_UP -> verb = RELEASE_UNSTARTED
  :: TENDS(t) && !MY.lost && MY.abortedBy != TIME_UP && (netFaults > 0 || RENEWAL_MATTERS(t)) -> verb = RENEW
  fi
}

inline afterCall(t) {
  if
  :: verb == RENEW -> afterRenewal(t)
  :: verb == CLAIM || verb == TAKE -> afterClaim(t)
  :: verb != RENEW && MY.step == STARTING -> afterStart(t)
  :: verb != RENEW && MY.step == COMPLETING -> afterCompletion(t)
  :: verb != RENEW && MY.step == COMPLETING_OPEN -> afterOpenCompletion(t)
  :: verb != RENEW && MY.step == RELEASING -> afterRelease(t)
  :: verb != RENEW && MY.step == GIVING_UP -> afterGivingUp(t)
  fi;
  d_step {
    tidy(t);
    forgetCall()
  }
}

inline afterGivingUp(t) {
  if
  :: MY.then == THEN_AGAIN -> MY.unanswered = 0; MY.token = 0; MY.formerToken = 0; MY.then = 0; MY.step = WAITING
  :: MY.then != THEN_AGAIN && closing[PROCESS(t)] -> returnUntouched(t)
  :: else -> report(t, 0); MY.step = GOING_BACK
  fi
}

#define FIRST(t) (t - t % BATCH)
#define LAST(t) (t - t % BATCH + BATCH - 1)
#define IS_FIRST(t) (t % BATCH == 0)
#define IS_IDLE(p) (ticket[p * BATCH].step == IDLE && ticket[p * BATCH + BATCH - 1].step == IDLE)

/* The process dies; the broker takes its deliveries back, and another one starts in its place. */
inline crash(x) {
  if
  :: ticket[x].step != IDLE ->
    if
    :: ticket[x].hasEffect ->
      known[ticket[x].key].unseen = 1;
      known[ticket[x].key].excused = (record[ticket[x].key].state == COMPLETED -> known[ticket[x].key].excused : 1)
    :: else -> skip
    fi;
    if
    :: ticket[x].step == RUNNING ->
      known[ticket[x].key].deaths = (known[ticket[x].key].deaths < 7 -> known[ticket[x].key].deaths + 1 : 7)
    :: else -> skip
    fi;
    ready[ticket[x].key]++;
    forgetDelivery(x);
    ticket[x].step = IDLE;
    ticket[x].key = 0
  :: else -> skip
  fi
}

/* The process, or its way to the store, stands still beyond the lease. Only what runs or records may be doubled by it. */
inline stall(x) {
  if
  :: TENDS(x) && ticket[x].fresh ->
    ticket[x].fresh = 0;
    known[ticket[x].key].excused =
      (ticket[x].step == RUNNING || ticket[x].step == COMPLETING -> 1 : known[ticket[x].key].excused)
  :: else -> skip
  fi
}

#ifdef BROKEN_SIGNAL_FIRES_AT_SHUTDOWN
inline fireSignal(x) {
  if
  :: ticket[x].step == RUNNING && ticket[x].abortedBy == NOT_ABORTED -> ticket[x].abortedBy = LEASE_LOST
  :: else -> skip
  fi
}
#endif

proctype Worker(byte t) {
end:
  do
  :: atomic {
      MY.step == IDLE && !closing[PROCESS(t)] && !NONE_READY ->
      if
      :: ready[0] > 0 -> MY.key = 0
#if KEYS == 2
      :: ready[1] > 0 -> MY.key = 1
#endif
      fi;
      ready[KEY]--;
      MY.step = WAITING
    }
  :: atomic {
      MY.step == WAITING ->
      if
      :: !closing[PROCESS(t)] && MAY_CLAIM(t) -> MY.step = CLAIMING
      :: closing[PROCESS(t)] || !MAY_CLAIM(t) -> ready[KEY]++; MY.step = IDLE; MY.key = 0
      fi
    }
  :: atomic {
      MY.step == CLAIMING && closing[PROCESS(t)] ->
      if
      :: MY.unanswered > 0 -> MY.step = GIVING_UP
      :: else -> d_step { returnUntouched(t); tidy(t) }
      fi
    }
#ifdef BROKEN_TAKEOVER_READS_THEN_WRITES
  :: MY.step == CLAIMING && MY.token != 0 && record[KEY].state == CLAIMED && !record[KEY].live -> MY.step = TAKING_OVER
#endif
  :: atomic {
      chooseCall(t);
      onKey = KEY;
      byToken = MY.token;
      atGrant = MY.grant;
      send(t);
      afterCall(t)
    }
  :: atomic {
      MY.step == GRANTED && BATCH > 1 && closing[PROCESS(t)] ->
      MY.fresh = 0;
      toRelease(t, RELEASE_UNSTARTED, THEN_RETURN)
    }
  :: d_step {
      MY.step == GRANTED && IN_TURN(t) ->
      if
      :: MY.exhausted -> MY.step = DEAD_LETTERING
      :: !MY.exhausted && MUST_MARK -> MY.step = STARTING
      :: !MY.exhausted && !(MUST_MARK) && MAY_BEGIN ->
        MY.step = RUNNING;
        MY.suspect = 0;
        /* What kills its process is dead-lettered in the end: only its first time is free. */
        HOLDS(KILLERS_ARE_DEAD_LETTERED, !DEAD_LETTERS || known[KEY].deaths <= MAX_ATTEMPTS || known[KEY].wasLost)
      :: else -> toRelease(t, RELEASE_UNSTARTED, THEN_AGAIN)
      fi
    }
  :: d_step {
      MY.step == RUNNING && MY.abortedBy == NOT_ABORTED && (!MY.fresh || MY.lost) ->
      MY.abortedBy = LEASE_LOST
    }
  :: d_step {
      MY.step == RUNNING && MY.abortedBy == NOT_ABORTED && timeUps > 0 ->
      timeUps--;
      MY.abortedBy = TIME_UP;
      known[KEY].excused = 1
    }
  :: atomic {
      MY.step == RUNNING ->
      if
      :: d_step {
          countEffect(t);
          MY.hasEffect = 1;
          afterRun(1, MY.abortedBy, 0, 0, MY.attempt);
          actAfterRun(t, 1)
        }
      :: d_step {
          MY.abortedBy != NOT_ABORTED ->
          countEffect(t);
          MY.hasEffect = 1;
          afterRun(1, MY.abortedBy, 1, 0, MY.attempt);
          actAfterRun(t, 1)
        }
      :: d_step {
          MY.abortedBy != NOT_ABORTED -> afterRun(1, MY.abortedBy, 1, 0, MY.attempt);
          actAfterRun(t, 0)
        }
      :: d_step {
          MY.abortedBy != NOT_ABORTED -> afterRun(0, MY.abortedBy, 1, 0, MY.attempt);
          actAfterRun(t, 0)
        }
      :: d_step {
          failures > 0 ->
          failures--;
          afterRun(0, MY.abortedBy, 0, 0, MY.attempt);
          actAfterRun(t, 0)
        }
      :: d_step {
          skips > 0 ->
          skips--;
          afterRun(1, MY.abortedBy, 0, 1, MY.attempt);
          actAfterRun(t, 0)
        }
      fi
    }
  :: atomic {
      MY.step == RUNNING_OPEN ->
      if
      :: d_step {
          known[KEY].excused = 1;
          countEffect(t);
          MY.hasEffect = 1;
          MY.step = COMPLETING_OPEN
        }
      :: failures > 0 -> failures--; MY.step = GIVING_UP
      fi
    }
  :: atomic {
      MY.step == DEAD_LETTERING ->
      if
      :: DEAD_LETTERS ->
        deadLetters[KEY] = (deadLetters[KEY] < 3 -> deadLetters[KEY] + 1 : 3);
        toRelease(t, RELEASE_RESET, THEN_SETTLE_IF_ANSWERED)
      :: !DEAD_LETTERS || deadLetterFaults > 0 ->
        deadLetterFaults = deadLetterFaults - (DEAD_LETTERS -> 1 : 0);
        if
        :: MY.exhausted -> toRelease(t, RELEASE_UNSTARTED, THEN_RETRY)
        :: else -> toRelease(t, RELEASE_FAILED, THEN_RETRY)
        fi
      fi
    }
  :: atomic {
      MY.step == SETTLING ->
      checkNoLoss(t);
      if
      :: d_step {
          if
          :: IS_LAST(t) -> checkReported(t)
          :: else -> skip
          fi;
          MY.step = IDLE;
          MY.key = 0
        }
      :: lostAcks > 0 -> lostAcks--; ready[KEY]++; MY.step = IDLE; MY.key = 0
      fi
    }
  /* Beyond the longest processing time nothing is renewed. */
  :: d_step {
      TENDS(t) && MY.fresh && MY.abortedBy == TIME_UP -> MY.fresh = 0
    }
  /* What befalls a whole process is told by its first delivery. */
  :: d_step {
      IS_FIRST(t) && crashes > 0 && !IS_IDLE(PROCESS(t)) ->
      crashes--;
      crash(FIRST(t));
      crash(LAST(t));
      closing[PROCESS(t)] = 0
    }
  :: d_step {
      IS_FIRST(t) && stalls > 0 && ((TENDS(FIRST(t)) && ticket[FIRST(t)].fresh) || (TENDS(LAST(t)) && ticket[LAST(t)].fresh)) ->
      stalls--;
      stall(FIRST(t));
      stall(LAST(t))
    }
  :: d_step {
      IS_FIRST(t) && shutdowns > 0 && !closing[PROCESS(t)] && !IS_IDLE(PROCESS(t)) ->
      shutdowns--;
      closing[PROCESS(t)] = 1;
#ifdef BROKEN_SIGNAL_FIRES_AT_SHUTDOWN
      fireSignal(FIRST(t));
      fireSignal(LAST(t))
#endif
    }
  :: d_step {
      IS_FIRST(t) && closing[PROCESS(t)] && IS_IDLE(PROCESS(t)) -> closing[PROCESS(t)] = 0
    }
  od
}
