import { IdempotencyConfig, makeIdempotent } from "@aws-lambda-powertools/idempotency";
import { CachePersistenceLayer } from "@aws-lambda-powertools/idempotency/cache";
import type { CacheClient } from "@aws-lambda-powertools/idempotency/cache/types";
import { createClient } from "@redis/client";
import { type Effect, type Guard, LEASE_MS, oneByOne, WINDOW_MS } from "./guards.js";

/** What Powertools needs of a client, and we to end it. */
export type PowertoolsClient = CacheClient & { destroy(): void };

/**
 * `documented`: the client as its documentation opens it, and the id picked by JMESPath. `tuned`: no time limit for each
 * command, which is an AbortSignal each, and no JMESPath.
 */
type PowertoolsSettings = "documented" | "tuned";

export async function connectPowertools(
  url: string,
  settings: PowertoolsSettings,
): Promise<PowertoolsClient> {
  const client = createClient(
    settings === "documented" ? { url } : { url, commandOptions: { timeout: 0 } },
  );
  client.on("error", (error: unknown) => {
    throw error;
  });
  return await client.connect();
}

export function powertoolsGuard(
  client: PowertoolsClient,
  settings: PowertoolsSettings,
  effect: Effect,
): Guard {
  const config = new IdempotencyConfig({
    expiresAfterSeconds: WINDOW_MS / 1000,
    ...(settings === "documented" ? { eventKeyJmesPath: "id" } : {}),
  });
  // Outside of Lambda there is no context, but without one every message logs a warning.
  config.registerLambdaContext({ getRemainingTimeInMillis: () => LEASE_MS });
  const options = { config, persistenceStore: new CachePersistenceLayer({ client }) };
  if (settings === "documented") {
    const handle = makeIdempotent(async (_message: { readonly id: string }) => effect(), options);
    return oneByOne((id) => handle({ id }));
  }
  const handle = makeIdempotent(async (_id: string) => effect(), options);
  return oneByOne((id) => handle(id));
}
