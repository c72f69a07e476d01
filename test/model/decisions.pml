/* What follows a run, and whether one may begin: packages/core/src/decide.ts. */

#define NOT_ABORTED 0
#define LEASE_LOST  1
#define TIME_UP     2

#define NEXT_COMPLETE    1
#define NEXT_SKIP        2
#define NEXT_CLAIM_AGAIN 3
#define NEXT_FAIL        4
#define NEXT_POISON      5

byte next;

inline afterRun(resolved, reason, readSignal, skipped, tried) {
  if
#ifdef BROKEN_ABORTED_RESOLVE_IS_DONE
  :: resolved -> next = (skipped -> NEXT_SKIP : NEXT_COMPLETE)
#else
  :: resolved && !(reason != NOT_ABORTED && readSignal) -> next = (skipped -> NEXT_SKIP : NEXT_COMPLETE)
#endif
  :: else ->
    if
    :: reason == LEASE_LOST -> next = NEXT_CLAIM_AGAIN
    :: else -> next = (tried >= MAX_ATTEMPTS -> NEXT_POISON : NEXT_FAIL)
    fi
  fi
}

#define IS_EXHAUSTED(tried) (tried > MAX_ATTEMPTS)

/* A claim that is not answered so often is given up where the policy is to process without a store. */
#define TRIES_BEFORE_FAIL_OPEN 2
