export type { OtelOptions } from "./options.js";
export { otelObserver } from "./otel-observer.js";
export { redactScriptArguments } from "./redis-statement.js";
