/* What befalls a whole process. */

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
