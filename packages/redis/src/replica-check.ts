import type { Finding } from "@onlyonce/core";
import type { ServerInfo } from "./server-info.js";

/** A replica so far behind loses noticeably much in a failover; one that keeps up is some kilobytes behind. */
const BEHIND_BYTES = 1_048_576;
/** Replicas say every second how far they are. */
const SILENT_SECONDS = 10;

interface Replica {
  readonly address: string;
  readonly isOnline: boolean;
  readonly behindBytes: number;
  readonly silentSeconds: number;
}

/** `wanted`: the most that a topic has asked to wait for so far. */
export function checkReplicas(info: ServerInfo, wanted: number): Finding[] {
  if (info.get("role") !== "master") return [];
  const replicas = replicasOf(info);
  const lagging = replicas.filter(isLagging);
  const findings: Finding[] = [];
  if (lagging.length > 0) {
    const [worst] = lagging.toSorted((a, b) => b.behindBytes - a.behindBytes);
    findings.push({
      code: "replica_lagging",
      severity: "warning",
      message: `${lagging.length} of ${replicas.length} replicas lag, ${worst?.address} by ${worst?.behindBytes} bytes, last heard of ${worst?.silentSeconds} s ago: a failover now forgets claims and completions, and their messages may take effect again. See to the replica and its network; set replicas for topics that can't bear it`,
    });
  }
  const good = replicas.length - lagging.length;
  if (good < wanted) {
    findings.push({
      code: "replicas_too_few",
      severity: "error",
      message: `a topic waits for ${wanted} replicas, and ${good} keep up: its messages wait too, or run unprotected where onStoreDown is process. Add replicas or lower replicas.min`,
    });
  }
  return findings;
}

function isLagging({ isOnline, behindBytes, silentSeconds }: Replica): boolean {
  return !isOnline || behindBytes > BEHIND_BYTES || silentSeconds > SILENT_SECONDS;
}

/** Lines such as `slave0:ip=127.0.0.1,port=6380,state=online,offset=1234,lag=0`. */
function replicasOf(info: ServerInfo): Replica[] {
  const atBytes = Number(info.get("master_repl_offset") ?? 0);
  const replicas: Replica[] = [];
  for (const [name, value] of info) {
    if (!/^slave\d+$/.test(name)) continue;
    const fields = new Map(value.split(",").map((field) => split(field)));
    const number = (field: string): number => Number(fields.get(field) ?? 0);
    replicas.push({
      address: `${fields.get("ip")}:${fields.get("port")}`,
      isOnline: fields.get("state") === "online",
      behindBytes: Math.max(0, atBytes - number("offset")),
      silentSeconds: number("lag"),
    });
  }
  return replicas;
}

function split(field: string): [string, string] {
  const end = field.indexOf("=");
  return [field.slice(0, end), field.slice(end + 1)];
}
