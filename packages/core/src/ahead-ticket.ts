import type { Run, Ticket } from "./attend.js";
import type { Attendance } from "./attendance.js";
import type { Engine } from "./engine.js";
import type { Handler } from "./handler.js";
import type { Verdict } from "./outcome.js";

/** A delivery that was claimed ahead, as its adapter holds it. */
export class AheadTicket implements Ticket {
  readonly #engine: Engine;
  readonly #attendance: Attendance;

  constructor(engine: Engine, attendance: Attendance) {
    this.#engine = engine;
    this.#attendance = attendance;
  }

  get status(): Ticket["status"] {
    return this.#attendance.status;
  }

  run<Result>(handler: Handler<Result>): Promise<Verdict<Result>> {
    return this.#run(handler);
  }

  start<Result>(handler: Handler<Result>): Run<Result> {
    let verdict: Promise<Verdict<Result>> | undefined;
    const handled = new Promise<boolean>((resolve) => {
      verdict = this.#run(handler, resolve);
    });
    return { handled, verdict: verdict ?? this.#run(handler) };
  }

  abandon(): Promise<void> {
    return this.#attendance.abandon();
  }

  #run<Result>(
    handler: Handler<Result>,
    onHandled?: (mayGoOn: boolean) => void,
  ): Promise<Verdict<Result>> {
    const { observers } = this.#engine;
    const attendance = this.#attendance;
    if (!observers.wrap) return attendance.run(handler, onHandled);
    return observers.around(attendance.subject, () => attendance.run(handler, onHandled));
  }
}
