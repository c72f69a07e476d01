import type { Starts } from "./starts.js";

/** The consumers of one broker, to somebody who means them harm. */
export interface Crew {
  readonly starts: Starts;
  /** Those that are alive and have not left. */
  readonly members: ReadonlySet<string>;
  /** How much of what was published is settled, from 0 to 1. */
  progress(): number;
  /** Lets a consumer that stands by join the group. */
  join(consumer: string): void;
  /** Lets a consumer leave in good order. */
  leave(consumer: string): Promise<void>;
  /** SIGKILL. */
  kill(consumer: string): void;
}

/** Kills one consumer in the middle of a payment. */
export async function disturbPayments(crew: Crew): Promise<void> {
  const { consumer } = await crew.starts.next(() => crew.progress() >= 0.4);
  crew.kill(consumer);
}

export interface OrdersPlan {
  /** Takes so long that the group does not wait for it. */
  readonly slowTaskId: string;
  /** Stands by until it is told to join. */
  readonly joiner: string;
}

/**
 * While one consumer works on the slow order another joins, and the partition of the slow order moves in the middle of
 * the work. Then one leaves, and later one is killed.
 */
export async function disturbOrders(crew: Crew, { slowTaskId, joiner }: OrdersPlan): Promise<void> {
  const slow = await crew.starts.next(({ taskId }) => taskId === slowTaskId);
  crew.join(joiner);
  await crew.starts.next(({ consumer }) => consumer === joiner);
  const leaver = [...crew.members].find((name) => name !== slow.consumer && name !== joiner);
  if (leaver === undefined) throw new Error("there is no consumer left that could leave");
  await crew.leave(leaver);
  const { consumer } = await crew.starts.next(
    (start) => start.consumer !== slow.consumer && crew.progress() >= 0.45,
  );
  crew.kill(consumer);
}
