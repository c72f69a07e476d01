import type { Finding } from "@onlyonce/core";
import { checkClient } from "./client-check.js";
import { keysEvicted } from "./findings.js";
import type { ResolvedOptions } from "./options.js";
import type { RedisCommands } from "./redis-commands.js";
import { checkReplicas } from "./replica-check.js";
import { readInfo, readSetting, type ServerInfo } from "./server-info.js";
import { timedOut } from "./store-error.js";

type Node = Pick<RedisCommands, "info" | "config">;

/** The one server, or every master of a Cluster. */
export function serverNodes(redis: RedisCommands): readonly Node[] {
  return redis.isCluster === true ? (redis.nodes?.("master") ?? []) : [redis];
}

/** Looks at the client's settings and at every master. Rejects when a server does not answer in time. */
export async function checkServer(
  redis: RedisCommands,
  options: ResolvedOptions,
  wantedReplicas: number,
): Promise<readonly Finding[]> {
  const perNode = await inTime(
    Promise.all(serverNodes(redis).map((node) => checkNode(node, wantedReplicas))),
    options.commandTimeoutMs,
  );
  const unique = new Map<string, Finding>();
  for (const finding of [...checkClient(redis, options), ...perNode.flat()]) {
    unique.set(finding.code + finding.message, finding);
  }
  return [...unique.values()];
}

async function checkNode(node: Node, wantedReplicas: number): Promise<readonly Finding[]> {
  const info = await readInfo(node, ["server", "memory", "persistence", "stats", "replication"]);
  if (info === undefined) {
    return [
      {
        code: "info_refused",
        severity: "info",
        message:
          "the server refuses INFO, so that its version, eviction policy and persistence are not known: allow INFO and CONFIG GET, or see to noeviction and persistence yourself",
      },
    ];
  }
  const isUnsaved = info.get("aof_enabled") === "0";
  const save = isUnsaved ? await readSetting(node, "save") : "";
  return [
    ...checkVersion(info),
    ...checkRole(info),
    ...checkReplicas(info, wantedReplicas),
    ...checkEviction(info),
    ...checkMemory(info),
    ...(isUnsaved ? checkSnapshots(save) : []),
    ...checkLastSave(info),
  ];
}

function checkVersion(info: ServerInfo): Finding[] {
  const version = info.get("redis_version") ?? "";
  const major = Number.parseInt(version, 10);
  if (major >= 7) return [];
  return [
    {
      code: "version_unsupported",
      severity: "error",
      message: `the server speaks as Redis ${version || "of an unknown version"}; 7.0 or newer is needed`,
    },
  ];
}

function checkRole(info: ServerInfo): Finding[] {
  if (info.get("role") !== "slave") return [];
  return [
    {
      code: "server_is_replica",
      severity: "error",
      message:
        "the client is connected to a replica, which refuses every claim: connect it to the primary",
    },
  ];
}

function checkEviction(info: ServerInfo): Finding[] {
  const findings: Finding[] = [];
  const policy = info.get("maxmemory_policy");
  const evictedKeys = Number(info.get("evicted_keys") ?? 0);
  if (evictedKeys > 0) findings.push(keysEvicted(evictedKeys, "since its start"));
  if (policy === undefined || policy === "noeviction") return findings;
  return [
    ...findings,
    {
      code: "eviction_enabled",
      severity: "error",
      message: `maxmemory-policy is ${policy}: when memory is full the server throws remembered keys away, and their messages take effect again. Set maxmemory-policy noeviction`,
    },
  ];
}

/** Above this share of maxmemory the server is close to refusing claims. */
const CROWDED = 0.9;

function checkMemory(info: ServerInfo): Finding[] {
  const limit = Number(info.get("maxmemory") ?? 0);
  const used = Number(info.get("used_memory") ?? 0);
  if (limit === 0) {
    return [
      {
        code: "memory_unlimited",
        severity: "info",
        message:
          "the server has no limit (maxmemory 0): when the machine is full the operating system may end the server, and with it what is not on disk. Set maxmemory below the machine's memory, so that it refuses claims instead",
      },
    ];
  }
  if (used < limit * CROWDED) return [];
  return [
    {
      code: "memory_nearly_full",
      severity: "warning",
      message: `the server uses ${used} of ${limit} bytes (maxmemory); when it is full it refuses claims and messages wait. Raise maxmemory or shorten windowMs`,
    },
  ];
}

function checkSnapshots(save: string | undefined): Finding[] {
  if (save === undefined) {
    return [
      {
        code: "persistence_unknown",
        severity: "info",
        message:
          "append-only file off, and the server refuses CONFIG GET save: if it takes no snapshots either, a restart forgets every key",
      },
    ];
  }
  if (save !== "") {
    return [
      {
        code: "persistence_snapshots_only",
        severity: "info",
        message:
          "the server keeps snapshots only: a restart forgets the keys since the last one, and their messages may take effect again. Set appendonly yes",
      },
    ];
  }
  return [
    {
      code: "persistence_off",
      severity: "warning",
      message:
        "the server keeps nothing on disk: a restart forgets every key, and redelivered messages take effect again. Set appendonly yes",
    },
  ];
}

function checkLastSave(info: ServerInfo): Finding[] {
  const snapshot = info.get("rdb_last_bgsave_status") ?? "ok";
  const log = info.get("aof_enabled") === "1" ? (info.get("aof_last_write_status") ?? "ok") : "ok";
  if (snapshot === "ok" && log === "ok") return [];
  return [
    {
      code: "persistence_failing",
      severity: "error",
      message:
        "the server could not write to its disk the last time: a restart forgets keys, and it may refuse claims (MISCONF) until it can. Make room on the disk or mend the rights to its folder",
    },
  ];
}

/** Rejects when `work` takes longer. */
export async function inTime<Value>(work: Promise<Value>, timeoutMs: number): Promise<Value> {
  let timer: NodeJS.Timeout | undefined;
  const late = new Promise<never>((_, reject) => {
    timer = setTimeout(() => reject(timedOut(timeoutMs)), timeoutMs);
  });
  try {
    return await Promise.race([work, late]);
  } finally {
    clearTimeout(timer);
  }
}
