import { freePort } from "./free-port.js";
import { type KafkaProcess, newClusterId, startKafka } from "./kafka-process.js";

const SIZE = 3;

/** Three brokers, each of them a controller too: the cluster outlives any one of them. */
export interface KafkaCluster {
  /** `host:port` of each. */
  readonly endpoints: readonly string[];
  /** The broker with this `node.id`: 1, 2 or 3. */
  broker(nodeId: number): KafkaProcess;
  stop(): Promise<void>;
}

/** Resolves once groups can join at every coordinator. Offsets and transactions are kept three times. */
export async function startKafkaCluster(): Promise<KafkaCluster> {
  const clusterId = newClusterId();
  const ports: { readonly broker: number; readonly controller: number }[] = [];
  for (let count = 0; count < SIZE; count += 1) {
    ports.push({ broker: await freePort(), controller: await freePort() });
  }
  const voters = ports.map(({ controller }, index) => `${index + 1}@127.0.0.1:${controller}`);
  const starts = await Promise.allSettled(
    ports.map(({ broker, controller }, index) =>
      startKafka({
        port: broker,
        clusterId,
        properties: {
          "node.id": index + 1,
          "controller.quorum.voters": voters.join(","),
          listeners: `PLAINTEXT://127.0.0.1:${broker},CONTROLLER://127.0.0.1:${controller}`,
          "offsets.topic.replication.factor": SIZE,
          "transaction.state.log.replication.factor": SIZE,
        },
      }),
    ),
  );
  const brokers = starts.flatMap((start) => (start.status === "fulfilled" ? [start.value] : []));
  const stop = async (): Promise<void> => {
    // At once: a broker that shuts down in order would wait for a controller that is already gone.
    await Promise.all(brokers.map((broker) => broker.kill()));
    await Promise.all(brokers.map((broker) => broker.stop()));
  };
  const failed = starts.find((start) => start.status === "rejected");
  if (failed !== undefined) {
    await stop();
    throw failed.reason;
  }
  return {
    endpoints: brokers.map(({ endpoint }) => endpoint),
    broker(nodeId) {
      const found = brokers[nodeId - 1];
      if (found === undefined) throw new RangeError(`no broker has node.id ${nodeId}`);
      return found;
    },
    stop,
  };
}
