/* What becomes of a delivery as this process holds it: its token, its report, its end. */

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
