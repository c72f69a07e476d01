// Writes what each public package exports into packages/<name>/etc/<name>.api.md; `<name>-<entry>.api.md` for a further
// entry. With `--check` it writes nothing and fails when a report differs. Reads the built declarations.
// The entry `./internal` has no report: it is outside semver.
import { existsSync, mkdirSync, readdirSync, readFileSync, rmSync } from "node:fs";
import { dirname, join, relative } from "node:path";
import { fileURLToPath } from "node:url";
import { Extractor, ExtractorConfig, ExtractorLogLevel } from "@microsoft/api-extractor";

const root = join(dirname(fileURLToPath(import.meta.url)), "..");
const isCheck = process.argv.includes("--check");
const scratch = join(root, "node_modules", ".cache", "api-reports");

const silent = { logLevel: ExtractorLogLevel.None };

/** What all reports have in common. */
const messages = {
  compilerMessageReporting: { default: { logLevel: ExtractorLogLevel.Error } },
  extractorMessageReporting: {
    default: { logLevel: ExtractorLogLevel.Error },
    // Everything an entry exports is public; what is not for users is in `./internal`.
    "ae-missing-release-tag": silent,
    "ae-undocumented": silent,
    // A type that is only reachable through another one: shown where it is used.
    "ae-forgotten-export": { logLevel: ExtractorLogLevel.Warning, addToApiReportFile: true },
  },
  tsdocMessageReporting: { default: silent },
};

/** The reports of all public packages. */
function reports() {
  const packages = join(root, "packages");
  return readdirSync(packages).flatMap((name) => {
    const folder = join(packages, name);
    const manifest = JSON.parse(readFileSync(join(folder, "package.json"), "utf8"));
    if (manifest.private === true) return [];
    return Object.entries(manifest.exports)
      .filter(([entry, target]) => entry !== "./internal" && target.types !== undefined)
      .map(([entry, target]) => ({
        folder,
        declarations: join(folder, target.types),
        file: `${[name, ...entry.split("/").slice(1)].join("-")}.api.md`,
      }));
  });
}

function configFor({ folder, declarations, file }) {
  return ExtractorConfig.prepare({
    configObject: {
      projectFolder: folder,
      mainEntryPointFilePath: declarations,
      newlineKind: "lf",
      compiler: { tsconfigFilePath: join(folder, "tsconfig.json") },
      apiReport: {
        enabled: true,
        reportFileName: file,
        reportFolder: join(folder, "etc"),
        reportTempFolder: scratch,
      },
      docModel: { enabled: false },
      dtsRollup: { enabled: false },
      tsdocMetadata: { enabled: false },
      messages,
    },
    configObjectFullPath: undefined,
    packageJsonFullPath: join(folder, "package.json"),
  });
}

mkdirSync(scratch, { recursive: true });
const all = reports();
for (const report of all) {
  const path = join(report.folder, "etc", report.file);
  if (!isCheck) mkdirSync(dirname(path), { recursive: true });
  const result = Extractor.invoke(configFor(report), {
    localBuild: !isCheck,
    messageCallback(message) {
      message.handled = message.logLevel !== ExtractorLogLevel.Error;
    },
  });
  const shown = relative(root, path);
  if (result.errorCount > 0) process.exitCode = 1;
  else if (!result.apiReportChanged) continue;
  else if (!isCheck) console.log(`wrote ${shown}`);
  else {
    process.exitCode = 1;
    console.error(
      `${shown} is out of date: run \`npm run api\`, read the difference, and describe it with \`npm run changeset\``,
    );
  }
}

// What is left of an entry that is gone.
for (const folder of new Set(all.map((report) => join(report.folder, "etc")))) {
  const wanted = all.filter((report) => join(report.folder, "etc") === folder);
  const found = existsSync(folder) ? readdirSync(folder) : [];
  for (const file of found.filter((name) => !wanted.some((report) => report.file === name))) {
    const path = join(folder, file);
    if (!isCheck) rmSync(path);
    else {
      process.exitCode = 1;
      console.error(`${relative(root, path)} is the report of an entry that does not exist`);
    }
  }
}
