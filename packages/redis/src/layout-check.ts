import type { Finding } from "@onlyonce/core";
import type { Slices } from "./layout-options.js";
import type { ResolvedOptions } from "./options.js";
import type { RedisCommands } from "./redis-commands.js";
import { inTime, serverNodes } from "./server-check.js";
import { readSetting } from "./server-info.js";
import { setName } from "./sliced-commands.js";

/** The largest set of integers that is no table, as servers come. */
const USUAL_LIMIT = 512;
const SAMPLED_GROUPS = ["A", "Q", "g", "w"];
const SAMPLED_BUCKETS = 4;
const MOST_NUMBERS =
  "local most = 0 for i = 1, #KEYS do most = math.max(most, redis.call('SCARD', KEYS[i])) end return most";

/** Whether numbers stay as small as planned: a look at the server's settings, and at some of the sets. */
export async function checkLayout(
  redis: RedisCommands,
  slices: Slices,
  { prefix, commandTimeoutMs }: ResolvedOptions,
): Promise<readonly Finding[]> {
  return inTime(look(redis, slices, prefix), commandTimeoutMs);
}

async function look(
  redis: RedisCommands,
  slices: Slices,
  prefix: string,
): Promise<readonly Finding[]> {
  const nodes = serverNodes(redis);
  const limits = await Promise.all(
    nodes.map((node) => readSetting(node, "set-max-intset-entries")),
  );
  const limit = Math.min(...limits.map((told) => Number(told ?? USUAL_LIMIT)));
  const counts = await Promise.all(
    SAMPLED_GROUPS.map((group) => redis.eval(...sampleOf(`${prefix}{${group}}`, slices))),
  );
  const most = Math.max(...counts.map(Number));
  return [
    ...(limit < USUAL_LIMIT ? [limitLow(limit)] : []),
    ...(most > limit ? [crowded(most, limit)] : []),
  ];
}

/** By this machine's clock: where it is wrong by more than a slice, fewer sets are seen. */
function sampleOf(group: string, slices: Slices): [string, number, ...string[]] {
  const { sliceMs, setsPerKey, buckets } = slices;
  const slice = Math.floor(Date.now() / sliceMs);
  const names: string[] = [];
  for (let place = 1; place <= setsPerKey; place += 1) {
    for (let bucket = 0; bucket < Math.min(buckets, SAMPLED_BUCKETS); bucket += 1) {
      names.push(setName(group, slices, slice + place) + bucket.toString(36));
    }
  }
  return [MOST_NUMBERS, names.length, ...names];
}

function limitLow(limit: number): Finding {
  return {
    code: "intset_limit_low",
    severity: "warning",
    message: `set-max-intset-entries is ${limit}: sets of more numbers take 60 bytes a key instead of 10, and the compact layout plans for up to ${USUAL_LIMIT}. Set set-max-intset-entries ${USUAL_LIMIT}`,
  };
}

function crowded(most: number, limit: number): Finding {
  return {
    code: "layout_crowded",
    severity: "warning",
    message: `sets of the compact layout hold up to ${most} numbers, and above ${limit} a key takes 60 bytes instead of 10: more keys come than layout.expectedPerWindow says. The guide tells how to raise it without a gap`,
  };
}
