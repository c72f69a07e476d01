/* One delivery at a time, from its arrival to its settlement: attendance.ts, admission.ts, run-granted.ts, store-calls.ts. */

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
