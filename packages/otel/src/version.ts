/** Written by `npm run release:version`: the version of this package. */
export const VERSION = "0.1.0";
