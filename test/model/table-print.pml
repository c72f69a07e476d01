/* Prints what each call does to each record, for the test that compares the model with core: `spin -T table-print.pml`. */
#define KEYS 1
#ifndef MAX_ATTEMPTS
#define MAX_ATTEMPTS 2
#endif
#define MY_TOKEN    1
#define OTHER_TOKEN 2
#define MY_GRANT    2

#include "record.pml"
#include "decisions.pml"

inline print() {
  printf(" %d,%d,%d,%d,%d,%d,%d,%d", record[0].state, record[0].token, record[0].grant, record[0].attempts,
    record[0].suspect, record[0].started, record[0].live, record[0].answer)
}

/* One line per call: call, grant, the record before, the reply, the attempt, the record after. */
inline tryCall(theState, theToken, theGrant, theAttempts, isSuspect, isStarted, isLive, theAnswer) {
  d_step {
    record[0].state = theState;
    record[0].token = theToken;
    record[0].grant = theGrant;
    record[0].attempts = theAttempts;
    record[0].suspect = isSuspect;
    record[0].started = isStarted;
    record[0].live = isLive;
    record[0].answer = theAnswer;
    byToken = MY_TOKEN;
    printf("cell %d %d", verb, atGrant);
    print();
    executeCall();
    printf(" %d %d", reply, attempt);
    print();
    printf("\n")
  }
}

byte owner;
byte flags;

proctype Records() {
  for (owner : MY_TOKEN .. OTHER_TOKEN) {
    for (flags : 0 .. 7) {
      tryCall(CLAIMED, owner, MY_GRANT, 1 + flags % 2, flags / 2 % 2, flags % 2, flags / 4, 0);
      tryCall(CLAIMED, owner, MY_GRANT + 1, 1 + flags % 2, flags / 2 % 2, flags % 2, flags / 4, 0)
    }
    for (flags : 0 .. 1) {
      tryCall(FAILED, owner, MY_GRANT, 2, flags, 0, 0, 0);
      tryCall(COMPLETED, owner, 0, 0, 0, 0, 0, DONE_OK + flags);
      tryCall(COMPLETED, owner, 0, 0, 0, 0, 0, VANISHED + flags)
    }
  }
  tryCall(ABSENT, 0, 0, 0, 0, 0, 0, 0)
}

byte resolved;
byte why;
byte tried;

/* One line per end of a run: resolved, aborted by, signal read, skipped, attempt, what follows; then whether it may begin. */
proctype Decisions() {
  for (resolved : 0 .. 1) {
    for (why : NOT_ABORTED .. TIME_UP) {
      for (tried : 1 .. MAX_ATTEMPTS + 1) {
        for (flags : 0 .. 3) {
          d_step {
            afterRun(resolved, why, flags / 2, flags % 2, tried);
            printf("end %d %d %d %d %d %d %d\n", resolved, why, flags / 2, flags % 2, tried, next, IS_EXHAUSTED(tried))
          }
        }
      }
    }
  }
}

inline tryRecords(theVerb, theGrant) {
  verb = theVerb;
  atGrant = theGrant;
  run Records();
  _nr_pr == 1
}

init {
  tryRecords(CLAIM, 0);
  tryRecords(START, MY_GRANT);
  tryRecords(RENEW, MY_GRANT);
  tryRecords(COMPLETE, MY_GRANT);
  tryRecords(COMPLETE, 0);
  tryRecords(RELEASE_FAILED, MY_GRANT);
  tryRecords(RELEASE_UNSTARTED, MY_GRANT);
  tryRecords(RELEASE_UNSTARTED, 0);
  tryRecords(RELEASE_RESET, MY_GRANT);
  run Decisions()
}
