/** Compiles only when both types are the same, `any` included. */
export type Equal<A, B> =
  (<T>() => T extends A ? 1 : 2) extends <T>() => T extends B ? 1 : 2 ? true : false;

export function expectTrue<_Type extends true>(): void {}
