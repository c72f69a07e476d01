import { Redis } from "ioredis";
import { until } from "../servers/deadline.js";
import { freePort } from "../servers/free-port.js";
import { type RedisProcess, startRedis } from "../servers/redis-process.js";
import { REPLICATE_AT_ONCE, replicated } from "./redis-replica.js";

/** A real Cluster of masters, each with an equal share of the slots. */
export interface RedisClusterProcesses extends AsyncDisposable {
  /** The masters. */
  readonly nodes: readonly RedisProcess[];
  /** One of each master, in the same order; none unless asked for. */
  readonly replicas: readonly RedisProcess[];
  readonly addresses: readonly { readonly host: string; readonly port: number }[];
  /** A client of one node, closed with the cluster. */
  client(node: number): Redis;
  /** Which node serves a slot, unless it was moved. */
  nodeOf(slot: number): number;
  /** The slots of a master that hold keys. */
  usedSlots(node: number): Promise<readonly number[]>;
  /** Moves a slot with all its keys, as resharding does; `whileMoving` goes on in the middle. The masters must be up. */
  moveSlot(
    slot: number,
    from: number,
    to: number,
    whileMoving?: () => Promise<void>,
  ): Promise<void>;
  /** Has nobody serve a slot while `work` goes on. */
  leaveUnserved(slot: number, node: number, work: () => Promise<void>): Promise<void>;
}

export interface RedisClusterOptions {
  /** A replica for each master. @defaultValue false */
  readonly hasReplicas?: boolean;
  /** Further arguments of each server. */
  readonly args?: readonly string[];
}

const SLOTS = 16_384;
/** The hash tags of the store's keys. */
const TAGS = "ABCDEFGHIJKLMNOPQRSTUVWXYZabcdefghijklmnopqrstuvwxyz0123456789-_";

export async function startRedisCluster(
  size: number,
  { hasReplicas = false, args = [] }: RedisClusterOptions = {},
): Promise<RedisClusterProcesses> {
  const start = (busPort: number): Promise<RedisProcess> =>
    startRedis({
      args: [
        ...["--cluster-enabled", "yes", "--cluster-port", String(busPort)],
        // A slot without a server must not stop the others.
        ...["--cluster-require-full-coverage", "no", "--cluster-node-timeout", "2000"],
        ...REPLICATE_AT_ONCE,
        ...args,
      ],
    });
  const busPorts = await Promise.all(Array.from({ length: size }, freePort));
  const nodes = await Promise.all(busPorts.map(start));
  const clients = nodes.map(({ url }) => new Redis(url));
  for (const client of clients) client.on("error", () => undefined);
  const share = Math.ceil(SLOTS / size);
  const [first] = clients;
  if (first === undefined) throw new RangeError("a cluster needs a node");
  const clientOf = (node: number): Redis => clients[node] ?? first;
  const idOf = async (client: Redis): Promise<string> =>
    String(await client.call("CLUSTER", "MYID"));
  for (const [node, client] of clients.entries()) {
    const last = Math.min(SLOTS, (node + 1) * share) - 1;
    await client.call("CLUSTER", "ADDSLOTSRANGE", node * share, last);
    await first.call("CLUSTER", "MEET", "127.0.0.1", nodes[node]?.port ?? 0, busPorts[node] ?? 0);
  }
  await until(
    async () => {
      const states = await Promise.all(clients.map((client) => client.call("CLUSTER", "INFO")));
      const isFormed = (state: unknown): boolean =>
        /cluster_state:ok/.test(String(state)) &&
        String(state).includes(`cluster_slots_assigned:${SLOTS}`) &&
        String(state).includes(`cluster_known_nodes:${size}`);
      return states.every(isFormed) ? true : undefined;
    },
    { what: "Forming the cluster", limitMs: 30_000 },
  );
  const replicas: RedisProcess[] = [];
  if (hasReplicas) {
    for (const [node, master] of nodes.entries()) {
      const busPort = await freePort();
      const replica = await start(busPort);
      replicas.push(replica);
      await first.call("CLUSTER", "MEET", "127.0.0.1", replica.port, busPort);
      const masterId = await clients[node]?.call("CLUSTER", "MYID");
      await follow(replica, master, String(masterId));
    }
  }
  return {
    nodes,
    replicas,
    addresses: nodes.map(({ port }) => ({ host: "127.0.0.1", port })),
    client: clientOf,
    nodeOf: (slot) => Math.floor(slot / share),
    async usedSlots(node) {
      const client = clientOf(node);
      const found: number[] = [];
      for (const tag of TAGS) {
        const slot = Number(await client.call("CLUSTER", "KEYSLOT", `{${tag}}`));
        const count = await client.call("CLUSTER", "COUNTKEYSINSLOT", slot);
        if (Number(count) > 0) found.push(slot);
      }
      return found;
    },
    async moveSlot(slot, from, to, whileMoving) {
      const [source, target] = [clientOf(from), clientOf(to)];
      const [sourceId, targetId] = [await idOf(source), await idOf(target)];
      await target.call("CLUSTER", "SETSLOT", slot, "IMPORTING", sourceId);
      await source.call("CLUSTER", "SETSLOT", slot, "MIGRATING", targetId);
      await whileMoving?.();
      for (;;) {
        const left = (await source.call("CLUSTER", "GETKEYSINSLOT", slot, 20)) as string[];
        if (left.length === 0) break;
        const port = nodes[to]?.port ?? 0;
        await source.call("MIGRATE", "127.0.0.1", port, "", 0, 5000, "KEYS", ...left);
      }
      for (const client of [target, source, ...clients]) {
        await client.call("CLUSTER", "SETSLOT", slot, "NODE", targetId);
      }
    },
    async leaveUnserved(slot, node, work) {
      // Its owner first, or it would tell the others again.
      for (const client of [clientOf(node), ...clients.filter((one) => one !== clientOf(node))]) {
        await client.call("CLUSTER", "DELSLOTS", slot);
      }
      await work();
      const id = await idOf(clientOf(node));
      await clientOf(node).call("CLUSTER", "ADDSLOTS", slot);
      for (const client of clients) {
        if (client !== clientOf(node)) await client.call("CLUSTER", "SETSLOT", slot, "NODE", id);
      }
    },
    async [Symbol.asyncDispose]() {
      for (const client of clients) client.disconnect();
      await Promise.all([...nodes, ...replicas].map((node) => node.stop()));
    },
  };
}

/** The replica may not have heard of the master yet. */
async function follow(replica: RedisProcess, master: RedisProcess, masterId: string) {
  const client = new Redis(replica.url);
  client.on("error", () => undefined);
  try {
    await until(
      async () => {
        await client.call("CLUSTER", "REPLICATE", masterId);
        return true;
      },
      { what: "Meeting of the replica", limitMs: 30_000 },
    );
  } finally {
    client.disconnect();
  }
  await replicated(master, replica);
}
