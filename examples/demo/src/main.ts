import { parseArguments, USAGE } from "./arguments.js";
import { runDemo } from "./demo.js";

const parsed = parseArguments(process.argv.slice(2));
switch (parsed.status) {
  case "help":
    console.log(USAGE);
    break;
  case "refused":
    console.error(`${parsed.message}\n\n${USAGE}`);
    process.exitCode = 2;
    break;
  case "run": {
    const exitCode = await runDemo(parsed.options);
    // Not by itself: what was under way when the run was interrupted would keep this process alive.
    process.stdout.write("", () => process.exit(exitCode));
    break;
  }
}
