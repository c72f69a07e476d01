/** Where a broker listens and what it tells its clients, each as `host:port`. */
export interface KafkaAddresses {
  readonly brokerListener: string;
  readonly advertised: string;
  readonly controller: string;
}

/**
 * Settings of a single broker that is its own controller, for tests and demos.
 *
 * Topics are never created by use, groups form without the usual wait for more members, and
 * sessions may be as short as one second.
 */
export function kafkaSettings(
  addresses: KafkaAddresses,
): Record<string, string | number | boolean> {
  return {
    "process.roles": "broker,controller",
    "node.id": 1,
    "controller.quorum.voters": `1@${addresses.controller}`,
    listeners: `PLAINTEXT://${addresses.brokerListener},CONTROLLER://${addresses.controller}`,
    "advertised.listeners": `PLAINTEXT://${addresses.advertised}`,
    "controller.listener.names": "CONTROLLER",
    "inter.broker.listener.name": "PLAINTEXT",
    "listener.security.protocol.map": "PLAINTEXT:PLAINTEXT,CONTROLLER:PLAINTEXT",
    "auto.create.topics.enable": false,
    "offsets.topic.num.partitions": 4,
    "offsets.topic.replication.factor": 1,
    "transaction.state.log.num.partitions": 4,
    "transaction.state.log.replication.factor": 1,
    "transaction.state.log.min.isr": 1,
    "share.coordinator.state.topic.replication.factor": 1,
    "share.coordinator.state.topic.min.isr": 1,
    // A killed broker may come back only when the session of the former one is over.
    "broker.session.timeout.ms": 3_000,
    "broker.heartbeat.interval.ms": 500,
    "group.initial.rebalance.delay.ms": 0,
    "group.min.session.timeout.ms": 1_000,
  };
}
