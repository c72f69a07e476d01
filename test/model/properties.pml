/* What must hold, as assertions around every execution of a call and at the steps of a delivery. */

#define NO_LOSS                    1
#define NO_DOUBLE                  2
#define DOUBLES_ARE_TOLD           3
#define VALID_OWNER_UNHARMED       4
#define COMPLETED_UNHARMED         5
#define ATTEMPTS_ARE_FAILURES      6
#define ONE_OWNER                  7
#define NOTHING_AFTER_COMPLETION   8
#define RELEASED_STAYS_RELEASED    9
#define NO_FALSE_ALARM            10
#define OK_MEANS_NO_SUCCESSOR     11
#define KILLERS_ARE_DEAD_LETTERED 12
#define NOBODY_WAITS_FOR_ITSELF   13
#define THE_END_IS_SETTLED        14

/* The number shows in the report of a violation. */
#define HOLDS(property, condition) assert((condition) || property == 0)

/* Checked around an execution. */
byte ownerBefore;
byte stateBefore;
byte tokenBefore;
byte answerBefore;
byte index;
byte owners;

#define FORGET_FAILURES(k) known[k].failures = 0; known[k].deaths = 0

#define COUNT_FAILURE(k) known[k].failures = (known[k].failures < 15 -> known[k].failures + 1 : 15)

#define NOBODY 15

inline findOwner() {
  ownerBefore = NOBODY;
  index = 0;
  do
  :: index < TICKETS ->
    if
    :: IS_OWNER(index, onKey) && ticket[index].step <= COMPLETING &&
       (record[onKey].live || !known[onKey].wasLost) -> ownerBefore = index
    :: else -> skip
    fi;
    index++
  :: else -> break
  od
}

inline rememberBefore() {
  findOwner();
  stateBefore = record[onKey].state;
  tokenBefore = record[onKey].token;
  answerBefore = record[onKey].answer
}

inline checkAfter(who) {
  /* Nobody harms a completed record. */
  HOLDS(COMPLETED_UNHARMED, stateBefore != COMPLETED ||
    (record[onKey].state == COMPLETED && record[onKey].token == tokenBefore && record[onKey].answer == answerBefore));
  /* Nobody but the owner itself, or somebody whose work is done, changes what a valid owner holds. */
  HOLDS(VALID_OWNER_UNHARMED, ownerBefore == NOBODY || ownerBefore == who || verb == COMPLETE ||
    (IS_OWNER(ownerBefore, onKey) && record[onKey].live));
  /* Only a claim takes what was released, and only a loss lets a renewal create a record. */
  HOLDS(RELEASED_STAYS_RELEASED, record[onKey].state != CLAIMED || stateBefore == CLAIMED || verb == CLAIM ||
    (stateBefore == ABSENT && known[onKey].wasLost));
  if
  :: (verb == CLAIM || verb == TAKE) && (reply == ACQUIRED || reply == RECLAIMED || reply == TAKEN_OVER) ->
    /* Where a completion was executed nothing runs again, unless the store lost it. */
    HOLDS(NOTHING_AFTER_COMPLETION, !known[onKey].wasCompleted || known[onKey].wasLost);
    /* No attempt counts that did not fail. */
    HOLDS(ATTEMPTS_ARE_FAILURES, attempt - 1 <= known[onKey].failures);
    known[onKey].lastGrant = record[onKey].grant
  :: verb == COMPLETE -> known[onKey].wasCompleted = 1
  :: verb == RELEASE_RESET && change == ATTEMPTS_RESET -> FORGET_FAILURES(onKey)
  :: else -> skip
  fi
}

/* One owner at a time, while the store loses nothing. */
inline checkOneOwner(t) {
  owners = 0;
  index = 0;
  do
  :: index < TICKETS ->
    if
    :: TENDS(index) && ticket[index].step != RELEASING && ticket[index].key == KEY &&
       ticket[index].fresh && !ticket[index].lost -> owners++
    :: else -> skip
    fi;
    index++
  :: else -> break
  od;
  HOLDS(ONE_OWNER, owners <= 1 || known[KEY].wasLost);
  owners = 0;
  index = 0
}

inline countEffect(t) {
  known[KEY].effects = (known[KEY].effects < 3 -> known[KEY].effects + 1 : 3);
  /* No second effect without a reason that we name. */
  HOLDS(NO_DOUBLE, known[KEY].effects <= 1 || known[KEY].excused)
}

/*
 * Nothing is settled without an effect or a durable dead letter, unless the handler asked for it. A dead letter that
 * was driven again is a delivery like any other: the last one answers for it.
 */
inline checkNoLoss(t) {
  HOLDS(NO_LOSS, known[KEY].effects > 0 || deadLetters[KEY] > 0 || known[KEY].skippedOnPurpose ||
    (redrives < REDRIVES && !IS_LAST(t)))
}

/* When a key is over, every double was told of. */
inline checkReported(t) {
#ifdef BROKEN_INCIDENTS_DO_NOT_COUNT
  HOLDS(DOUBLES_ARE_TOLD, known[KEY].effects <= 1 || known[KEY].reported || known[KEY].unseen)
#else
  HOLDS(DOUBLES_ARE_TOLD, known[KEY].effects <= 1 || known[KEY].reported || known[KEY].unseen || known[KEY].incident)
#endif
}
