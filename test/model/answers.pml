/* What each answer of the store leads to, and each end of a run: admission.ts, run-granted.ts, store-calls.ts. */

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

/* The verdict `return`: reports nothing but that an earlier run lost its claim. */
inline returnUntouched(t) {
  if
  :: MY.claimLost -> report(t, 1)
  :: else -> skip
  fi;
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
