import { findService } from "@onlyonce/test/servers";
import { type Contestant, hold, type Scenario, type ScenarioResult } from "./contest.js";
import {
  bareCycle,
  benchStore,
  Connections,
  type Cycle,
  existsDuplicates,
  existsSetexCycle,
  pipelinedSetsCycle,
  processCycle,
  storeBatchCycle,
  storeCycle,
  storeDuplicates,
} from "./cycles.js";
import { medianMicroseconds, perSecond } from "./pace.js";

const CONCURRENCY = 64;
const BATCH = 64;
const MESSAGES = 20_000;
const MESSAGES_ALONE = 1500;

/**
 * What does guarding a message cost? Claim and completion of messages never seen before, against the unsafe EXISTS and
 * SETEX and against round trips that do nothing; one at a time, 64 at once, and in batches of 64; and duplicates.
 */
export async function claimCycle(
  rounds: number,
  onResult: (result: ScenarioResult) => void,
): Promise<void> {
  const service = await findService("redis");
  const connections = new Connections(service.endpoint);
  try {
    for (const scenario of await scenarios(connections)) onResult(await hold(scenario, rounds));
  } finally {
    connections.close();
    await service.stop();
  }
}

async function scenarios(connections: Connections): Promise<readonly Scenario[]> {
  const store = benchStore(connections.open());
  const process = processCycle(benchStore(connections.open()));
  const [unsafe, bare, limit] = [connections.open(), connections.open(), connections.open()];
  const unsafeCycle = existsSetexCycle(unsafe);
  const duplicates = await storeDuplicates(store, BATCH);
  return [
    {
      name: `store, ${CONCURRENCY} at once`,
      unit: "cycles/s",
      ours: atOnce("onlyonce", storeCycle(store)),
      peers: [atOnce("exists_setex", unsafeCycle)],
    },
    {
      name: `process, ${CONCURRENCY} at once`,
      unit: "cycles/s",
      ours: atOnce("onlyonce", process),
      peers: [atOnce("exists_setex", unsafeCycle)],
    },
    {
      name: "store, one at a time",
      unit: "p50 µs",
      ours: alone("onlyonce", storeCycle(store)),
      peers: [alone("two_round_trips", bareCycle(bare)), alone("exists_setex", unsafeCycle)],
    },
    {
      name: "process, one at a time",
      unit: "p50 µs",
      ours: alone("onlyonce", process),
      peers: [alone("two_round_trips", bareCycle(bare)), alone("exists_setex", unsafeCycle)],
    },
    {
      name: `store, batches of ${BATCH}, two at once`,
      unit: "cycles/s",
      ours: batches("onlyonce", storeBatchCycle(store, BATCH)),
      peers: [
        atOnce("exists_setex", unsafeCycle),
        batches("pipelined_sets", pipelinedSetsCycle(limit, BATCH)),
      ],
    },
    {
      name: `duplicates, batches of ${BATCH}, two at once`,
      unit: "messages/s",
      ours: batches("onlyonce", duplicates),
      peers: [batches("exists", existsDuplicates(unsafe, BATCH))],
    },
  ];
}

function atOnce(name: string, cycle: Cycle): Contestant {
  return { name, round: () => perSecond(MESSAGES, CONCURRENCY, cycle) };
}

function alone(name: string, cycle: Cycle): Contestant {
  return { name, round: () => medianMicroseconds(MESSAGES_ALONE, cycle) };
}

function batches(name: string, cycle: Cycle): Contestant {
  return { name, round: async () => BATCH * (await perSecond(MESSAGES / BATCH, 2, cycle)) };
}
