import { describeStore, ManualClock } from "@onlyonce/testing";
import { memoryStore } from "../src/memory-store.js";
import { forgetfulStore } from "./forgetful-store.js";

describeStore(
  "memoryStore",
  {
    async open() {
      const clock = new ManualClock();
      const { store, lose } = forgetfulStore(memoryStore({ clock }));
      return {
        store,
        advance: (ms) => clock.advance(ms),
        lose: async (key) => lose(key),
        close: () => store.close(),
      };
    },
  },
  { clock: "manual", records: "in-process" },
);
