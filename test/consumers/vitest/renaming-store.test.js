// A store of somebody else's, held to the conformance suite by the oldest line of Vitest that @onlyonce/testing allows.
import { memoryStore } from "@onlyonce/core";
import { describeStore, ManualClock } from "@onlyonce/testing";
import { RenamingStore } from "./renaming-store.js";

describeStore(
  "RenamingStore",
  {
    async open() {
      const clock = new ManualClock();
      const store = new RenamingStore(memoryStore({ clock }));
      return {
        store,
        advance: (ms) => clock.advance(ms),
        lose: async (key) => store.lose(key),
        close: () => store.close(),
      };
    },
  },
  { clock: "manual", records: "in-process" },
);
