import { ManualClock } from "@onlyonce/testing";
import { describeStoreModel } from "@onlyonce/testing/model";
import { memoryStore } from "../src/memory-store.js";
import { forgetfulStore } from "./forgetful-store.js";

const { ONLYONCE_SEED, ONLYONCE_RUNS } = process.env;

describeStoreModel(
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
  {
    ...(ONLYONCE_SEED && { seed: Number(ONLYONCE_SEED) }),
    ...(ONLYONCE_RUNS && { runs: Number(ONLYONCE_RUNS) }),
  },
);
