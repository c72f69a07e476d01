/* The record of a key and the calls that change it, each of them atomic: packages/core/src/record-table.ts. */

/* States, by the characters that packages/redis/lua/shared/record.lua writes. An absent record is all zeros. */
#define ABSENT    0
#define CLAIMED   'C'
#define FAILED    'F'
#define COMPLETED 'D'

/* Calls. */
#define CLAIM             1
#define START             2
#define RENEW             3
#define COMPLETE          4
#define RELEASE_FAILED    5
#define RELEASE_UNSTARTED 6
#define RELEASE_RESET     7
/* Of a broken variant only: the second half of a takeover that is not atomic. */
#define TAKE              8

/* Replies, by the characters that the scripts answer. */
#define UNANSWERED 0
#define ACQUIRED   'a'
#define RECLAIMED  'R'
#define TAKEN_OVER 'T'
#define DUPLICATE  'D'
#define BUSY       'B'
#define STALE      's'
#define OK         'o'
#define RESTORED   'e'
#define LOST       'l'
#define DONE_OK    '0'
#define DONE_LATE  '1'
#define VANISHED   '2'
#define STOLEN     '3'
/* Not a reply: whatever the completion was answered the first time. */
#define FIRST_ANSWER 1

/* What a call finds. */
#define ABSENT_ROW      1
#define MY_LIVE         2
#define MY_LAPSED       3
#define MY_OTHER_GRANT  4
#define OTHER_LIVE      5
#define OTHER_LAPSED    6
#define FAILED_BY_ME    7
#define FAILED_BY_OTHER 8
#define DONE_BY_ME      9
#define DONE_BY_OTHER   10

/* What becomes of the record. */
#define AS_IT_WAS        1
#define NEW_CLAIM        2
#define SAME_CLAIM_AGAIN 3
#define LEASE_RESTARTED  4
#define START_MARKED     5
#define NEXT_CLAIM       6
#define DONE             7
#define FAILURE_COUNTED  8
#define START_TAKEN_BACK 9
#define ATTEMPTS_RESET   10

typedef Record {
  byte state;
  unsigned token : 4;
  unsigned grant : 5;
  unsigned attempts : 4;
  bit suspect;
  bit started;
  /* Whether the lease is running by the clock of the store. */
  bit live;
  /* Of a completed record: what its completion was answered the first time. */
  byte answer
}

Record record[KEYS];

/* The call at hand: what, on which key, by which token and grant; grant 0: the token alone decides. */
byte verb;
byte onKey;
byte byToken;
byte atGrant;

/* Its result: the reply, and with a grant its attempt; and what led there. */
byte reply;
byte attempt;
byte row;
byte change;

#ifdef BROKEN_GRANT_NOT_COMPARED
#define IS_MY_GRANT true
#else
#define IS_MY_GRANT (atGrant == 0 || atGrant == record[onKey].grant)
#endif

#define CELL(found, call, answer, becomes) :: (row == found && verb == call) -> reply = answer; change = becomes;

inline findRow() {
  if
  :: record[onKey].state == ABSENT -> row = ABSENT_ROW
  :: record[onKey].state == CLAIMED && record[onKey].token != byToken -> row = (record[onKey].live -> OTHER_LIVE : OTHER_LAPSED)
  :: record[onKey].state == CLAIMED && record[onKey].token == byToken && !IS_MY_GRANT -> row = MY_OTHER_GRANT
  :: record[onKey].state == CLAIMED && record[onKey].token == byToken && IS_MY_GRANT -> row = (record[onKey].live -> MY_LIVE : MY_LAPSED)
  :: record[onKey].state == FAILED -> row = (record[onKey].token == byToken -> FAILED_BY_ME : FAILED_BY_OTHER)
  :: record[onKey].state == COMPLETED -> row = (record[onKey].token == byToken -> DONE_BY_ME : DONE_BY_OTHER)
  fi
}

inline claimBy(newGrant) {
  record[onKey].state = CLAIMED;
  record[onKey].token = byToken;
  record[onKey].grant = newGrant;
  record[onKey].started = 0;
  record[onKey].live = 1
}

inline toFailed() {
  record[onKey].state = FAILED;
  record[onKey].started = 0;
  record[onKey].live = 0
}

inline changeRecord() {
  if
  :: change == AS_IT_WAS -> skip
  :: change == NEW_CLAIM -> claimBy(1)
  :: change == SAME_CLAIM_AGAIN -> claimBy(atGrant)
  :: change == LEASE_RESTARTED -> record[onKey].live = 1
  :: change == START_MARKED ->
    record[onKey].attempts = record[onKey].attempts + (record[onKey].started -> 0 : 1);
    record[onKey].started = 1;
    record[onKey].live = 1
  :: change == NEXT_CLAIM ->
    record[onKey].suspect = (record[onKey].state == CLAIMED -> 1 : record[onKey].suspect);
    claimBy(record[onKey].grant + 1)
  :: change == DONE ->
    record[onKey].state = COMPLETED;
#ifdef BROKEN_COMPLETER_FORGOTTEN
    record[onKey].token = 0;
#else
    record[onKey].token = byToken;
#endif
    record[onKey].grant = 0;
    record[onKey].attempts = 0;
    record[onKey].suspect = 0;
    record[onKey].started = 0;
    record[onKey].live = 0;
    record[onKey].answer = reply
  :: change == FAILURE_COUNTED ->
#ifndef BROKEN_ATTEMPTS_COUNTED_AT_CLAIM
    record[onKey].attempts = record[onKey].attempts + (record[onKey].started -> 0 : 1);
#endif
    toFailed()
  :: change == START_TAKEN_BACK ->
    record[onKey].attempts = record[onKey].attempts - record[onKey].started;
    toFailed()
  :: change == ATTEMPTS_RESET ->
#ifndef BROKEN_POISON_KEEPS_ATTEMPTS
    record[onKey].attempts = 0;
#endif
    record[onKey].suspect = 0;
    toFailed()
  fi;
#ifdef BROKEN_ATTEMPTS_COUNTED_AT_CLAIM
  if
  :: change == NEW_CLAIM || change == NEXT_CLAIM -> record[onKey].attempts++
  :: else -> skip
  fi
#endif
}

/* Executes `verb`; to be used inside a d_step. */
inline executeCall() {
  findRow();
  if
#include "record-table.pml"
  fi;
  if
  :: reply == FIRST_ANSWER -> reply = record[onKey].answer
  :: else -> skip
  fi;
  changeRecord();
  /* A resend after this grant's own start mark answers the same attempt as the first time. */
#ifdef BROKEN_ATTEMPTS_COUNTED_AT_CLAIM
  attempt = record[onKey].attempts - record[onKey].started
#else
  attempt = record[onKey].attempts - record[onKey].started + 1
#endif
}
