/* Calls on their way: answered, or executed without an answer, or late, or twice. */

typedef Call {
  unsigned verb : 4;
  unsigned key : 1;
  unsigned token : 4;
  unsigned grant : 5
}

/* Copies that may still be executed, whatever became of their sender. Unused places are zeros behind the others. */
Call late[LATE];

byte fate;

#define EXECUTED 1
#define ANSWERED 2
#define COPIED   4

#define HAS_ROOM (late[LATE - 1].verb == 0)


inline execute(who) {
  rememberBefore();
  executeCall();
  checkAfter(who);
  ownerBefore = 0;
  stateBefore = 0;
  tokenBefore = 0;
  answerBefore = 0;
  index = 0;
  row = 0;
  change = 0
}

inline forgetCall() {
  verb = 0;
  onKey = 0;
  byToken = 0;
  atGrant = 0;
  reply = 0;
  attempt = 0
}

inline addCopy() {
  index = 0;
  do
  :: late[index].verb != 0 -> index++
  :: else -> break
  od;
  late[index].verb = verb;
  late[index].key = onKey;
  late[index].token = byToken;
  late[index].grant = atGrant;
  index = 0
}

inline removeCopy() {
  index = place;
  do
  :: index < LATE - 1 ->
    late[index].verb = late[index + 1].verb;
    late[index].key = late[index + 1].key;
    late[index].token = late[index + 1].token;
    late[index].grant = late[index + 1].grant;
    index++
  :: else -> break
  od;
  late[LATE - 1].verb = 0;
  late[LATE - 1].key = 0;
  late[LATE - 1].token = 0;
  late[LATE - 1].grant = 0;
  index = 0
}

/* Sends the call at hand. Sending, executing and answering are one step: an answer that takes long is a sender that is slow. */
inline send(who) {
  if
  :: verb != RENEW || RENEWAL_MATTERS(who) -> fate = EXECUTED + ANSWERED
  :: netFaults > 0 -> netFaults--; fate = EXECUTED
  :: netFaults > 0 && HAS_ROOM -> netFaults--; fate = COPIED
  :: netFaults > 0 && HAS_ROOM -> netFaults--; fate = EXECUTED + ANSWERED + COPIED
  :: netFaults > 1 && HAS_ROOM -> netFaults = netFaults - 2; fate = EXECUTED + COPIED
  fi;
  d_step {
    if
    :: fate & COPIED -> addCopy()
    :: else -> skip
    fi;
    if
    :: fate & EXECUTED -> execute(who)
    :: else -> skip
    fi;
    if
    :: fate & ANSWERED -> skip
    :: else -> reply = UNANSWERED; attempt = 0
    fi;
    fate = 0
  }
}

#define THE_NETWORK 14

proctype Network() {
  byte place = 0;
end:
  do
  :: atomic {
      late[0].verb != 0 ->
      if
      :: place = 0
#if LATE > 1
      :: late[1].verb != 0 -> place = 1
#endif
#if LATE > 2
      :: late[2].verb != 0 -> place = 2
#endif
      fi;
      d_step {
        verb = late[place].verb;
        onKey = late[place].key;
        byToken = late[place].token;
        atGrant = late[place].grant;
        execute(THE_NETWORK);
        removeCopy();
        forgetCall();
        place = 0
      }
    }
  od
}
