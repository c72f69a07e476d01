import { Redis } from "ioredis";
import {
  benchStore,
  commandGuard,
  type Effect,
  existsSetexGuard,
  type Guard,
  pingGuard,
  processGuard,
  storeGuard,
} from "./guards.js";
import { Meter, type Race } from "./meter.js";
import { connectPowertools, type PowertoolsClient, powertoolsGuard } from "./powertools.js";
import { RawSocket } from "./raw-socket.js";
import { EffectCount, Entrant, type Shape, type Traffic } from "./traffic.js";

type GuardOf = (effect: Effect) => Guard;

/** As documented, Powertools takes fewer messages a round: they need several times as long. */
const SLOW_SHARE = 0.25;

/** Everybody who takes part, each with a connection of its own to one server, which belongs to the benchmark. */
export class ClaimCycleField {
  readonly #admin: Redis;
  readonly #close: (() => void)[] = [];
  readonly #ours: Entrant[] = [];
  readonly #guarding: Entrant[] = [];
  readonly #bare: { readonly ceiling: Entrant; readonly roundTrips: Entrant };

  static async open(url: string): Promise<ClaimCycleField> {
    const clients = {
      documented: await connectPowertools(url, "documented"),
      tuned: await connectPowertools(url, "tuned"),
      socket: await RawSocket.connect(url),
    };
    return new ClaimCycleField(url, clients);
  }

  private constructor(
    url: string,
    clients: {
      readonly documented: PowertoolsClient;
      readonly tuned: PowertoolsClient;
      readonly socket: RawSocket;
    },
  ) {
    const open = (): Redis => {
      const redis = new Redis(url);
      this.#close.push(() => redis.disconnect());
      return redis;
    };
    const { documented, tuned, socket } = clients;
    this.#close.push(
      () => documented.destroy(),
      () => tuned.destroy(),
      () => socket.close(),
    );
    this.#admin = open();
    const meter = new Meter(this.#admin);
    const guarding = (name: string, guardOf: GuardOf, messageShare = 1): Entrant => {
      const effects = new EffectCount();
      return new Entrant(name, meter, guardOf(effects.happen), { effects, messageShare });
    };
    this.#ours = [
      guarding("onlyonce", (effect) => storeGuard(benchStore(open()), effect)),
      guarding("onlyonce_process", (effect) => processGuard(benchStore(open()), effect)),
    ];
    this.#guarding = [
      guarding(
        "powertools",
        (effect) => powertoolsGuard(documented, "documented", effect),
        SLOW_SHARE,
      ),
      guarding("powertools_tuned", (effect) => powertoolsGuard(tuned, "tuned", effect)),
      guarding("exists_setex", (effect) => existsSetexGuard(open(), effect)),
      guarding("command_per_step", (effect) => commandGuard(open(), effect)),
    ];
    this.#bare = {
      ceiling: new Entrant("two_sets", meter, socket, { effects: undefined }),
      roundTrips: new Entrant("two_round_trips", meter, pingGuard(open()), { effects: undefined }),
    };
  }

  async warmUp(): Promise<void> {
    const { ceiling, roundTrips } = this.#bare;
    for (const entrant of [...this.#ours, ...this.#guarding, ceiling, roundTrips]) {
      await entrant.warmUp();
    }
  }

  /** Starts from an empty server. Two SETs are the ceiling of new messages only: a duplicate takes less. */
  async race(name: string, traffic: Traffic, shape: Shape): Promise<Race> {
    await this.#admin.flushall("SYNC");
    const guarding = [...this.#ours, ...this.#guarding];
    if (traffic !== "new") for (const entrant of guarding) await entrant.prepare();
    const { ceiling, roundTrips } = this.#bare;
    const bare = traffic === "new" ? [ceiling] : [];
    if (traffic === "new" && shape.atOnce === 1) bare.push(roundTrips);
    const enter = (entrant: Entrant) => entrant.contestant(traffic, shape);
    return {
      name,
      ours: this.#ours.map(enter),
      peers: [...this.#guarding, ...bare].map(enter),
    };
  }

  close(): void {
    for (const close of this.#close) close();
  }
}
