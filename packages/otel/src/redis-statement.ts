/** Commands that run a script: all of their arguments would be shown, stored results among them. */
const SCRIPTS = /^(?:eval|evalsha|fcall)(?:_ro)?$/i;

/**
 * For the option `dbStatementSerializer` of OpenTelemetry's Redis instrumentations, which show every argument of a
 * script: shows the script's name and its keys, and counts the rest. Of other commands it shows the first argument.
 */
export function redactScriptArguments(
  command: string,
  args: readonly (string | Buffer | number | unknown[])[],
): string {
  const shown = SCRIPTS.test(command) ? 2 + keyCount(args[1]) : 1;
  const parts = args.slice(0, shown).map((part) => (SCRIPTS.test(command) ? short(part) : part));
  const rest = args.length - parts.length;
  const tail = rest > 0 ? [`[${rest} other arguments]`] : [];
  return [command, ...parts, ...tail].map(String).join(" ");
}

function keyCount(value: unknown): number {
  const count = Number(value);
  return Number.isSafeInteger(count) && count > 0 ? count : 0;
}

/** `EVAL` names its script by its whole text. */
function short(part: unknown): string {
  const text = String(part);
  return text.length > 100 ? `[script of ${text.length} characters]` : text;
}
