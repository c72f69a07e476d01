import type { RedisCommands } from "./redis-commands.js";

/** What INFO says, field by field. */
export type ServerInfo = ReadonlyMap<string, string>;

/** Undefined where the server refuses, as managed ones may. */
export async function readInfo(
  redis: Pick<RedisCommands, "info">,
  sections: readonly string[],
): Promise<ServerInfo | undefined> {
  const fields = new Map<string, string>();
  try {
    for (const section of sections) {
      for (const line of String(await redis.info(section)).split("\r\n")) {
        const colon = line.indexOf(":");
        if (colon > 0 && !line.startsWith("#"))
          fields.set(line.slice(0, colon), line.slice(colon + 1));
      }
    }
  } catch {
    return undefined;
  }
  return fields;
}

/** One setting; undefined where the server refuses to tell it. Some clients answer pairs, others an object or a Map. */
export async function readSetting(
  redis: Pick<RedisCommands, "config">,
  name: string,
): Promise<string | undefined> {
  let answer: unknown;
  try {
    answer = await redis.config("GET", name);
  } catch {
    return undefined;
  }
  let value: unknown;
  if (Array.isArray(answer)) value = answer[1];
  else if (answer instanceof Map) value = answer.get(name);
  else if (typeof answer === "object" && answer !== null) value = Reflect.get(answer, name);
  return typeof value === "string" ? value : undefined;
}
