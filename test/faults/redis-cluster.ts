import { Redis } from "ioredis";
import { until } from "../servers/deadline.js";
import { freePort } from "../servers/free-port.js";
import { type RedisProcess, startRedis } from "../servers/redis-process.js";

/** A real Cluster of masters without replicas, each with an equal share of the slots. */
export interface RedisClusterProcesses extends AsyncDisposable {
  readonly nodes: readonly RedisProcess[];
  readonly addresses: readonly { readonly host: string; readonly port: number }[];
  /** A client of one node, closed with the cluster. */
  client(node: number): Redis;
  /** Which node serves a slot. */
  nodeOf(slot: number): number;
}

const SLOTS = 16_384;

export async function startRedisCluster(size: number): Promise<RedisClusterProcesses> {
  const busPorts = await Promise.all(Array.from({ length: size }, freePort));
  const nodes = await Promise.all(
    busPorts.map((busPort) =>
      startRedis({
        args: [
          ...["--cluster-enabled", "yes", "--cluster-port", String(busPort)],
          // A slot without a server must not stop the others.
          ...["--cluster-require-full-coverage", "no", "--cluster-node-timeout", "2000"],
        ],
      }),
    ),
  );
  const clients = nodes.map(({ url }) => new Redis(url));
  for (const client of clients) client.on("error", () => undefined);
  const share = Math.ceil(SLOTS / size);
  const [first] = clients;
  if (first === undefined) throw new RangeError("a cluster needs a node");
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
  return {
    nodes,
    addresses: nodes.map(({ port }) => ({ host: "127.0.0.1", port })),
    client: (node) => clients[node] ?? first,
    nodeOf: (slot) => Math.floor(slot / share),
    async [Symbol.asyncDispose]() {
      for (const client of clients) client.disconnect();
      await Promise.all(nodes.map((node) => node.stop()));
    },
  };
}
