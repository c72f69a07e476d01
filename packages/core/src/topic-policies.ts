import { quote, requireObject } from "./option-checks.js";
import { checkPolicy, type ResolvedPolicy, resolvePolicy, type TopicPolicy } from "./policy.js";
import { isPattern, overlap, parsePattern, type TopicPattern } from "./topic-pattern.js";

/** How many topics outside the configuration are remembered with their policy. */
const MAX_REMEMBERED = 1024;

/** Finds the policy of a topic: exact name, then the pattern with the most literal characters, then the defaults. */
export class TopicPolicies {
  readonly #defaults: ResolvedPolicy;
  readonly #exact = new Map<string, ResolvedPolicy>();
  readonly #patterns: { readonly pattern: TopicPattern; readonly policy: ResolvedPolicy }[] = [];
  readonly #remembered = new Map<string, ResolvedPolicy>();

  constructor(defaults: unknown, topics: unknown) {
    const base: TopicPolicy = {};
    const given = defaults ?? base;
    checkPolicy("defaults", given);
    this.#defaults = resolvePolicy("defaults", given, base);
    if (topics === undefined) return;
    requireObject("topics", topics);
    for (const [name, policy] of Object.entries(topics)) {
      const where = `topics[${quote(name)}]`;
      if (name === "") throw new RangeError(`${where}: a topic needs a name`);
      checkPolicy(where, policy);
      const resolved = resolvePolicy(where, given, policy);
      if (isPattern(name)) this.#patterns.push({ pattern: parsePattern(name), policy: resolved });
      else this.#exact.set(name, resolved);
    }
    this.#refuseTies();
    this.#patterns.sort((a, b) => b.pattern.literals - a.pattern.literals);
  }

  of(topic: string): ResolvedPolicy {
    return this.#exact.get(topic) ?? this.#remembered.get(topic) ?? this.#find(topic);
  }

  all(): readonly ResolvedPolicy[] {
    return [this.#defaults, ...this.#exact.values(), ...this.#patterns.map(({ policy }) => policy)];
  }

  #find(topic: string): ResolvedPolicy {
    const found = this.#patterns.find(({ pattern }) => pattern.matches(topic));
    const policy = found?.policy ?? this.#defaults;
    if (this.#remembered.size >= MAX_REMEMBERED) this.#remembered.clear();
    this.#remembered.set(topic, policy);
    return policy;
  }

  #refuseTies(): void {
    const patterns = this.#patterns.map(({ pattern }) => pattern);
    for (const [index, left] of patterns.entries()) {
      const tie = patterns
        .slice(index + 1)
        .find((right) => right.literals === left.literals && overlap(left.text, right.text));
      if (tie !== undefined) {
        throw new RangeError(
          `topics ${quote(left.text)} and ${quote(tie.text)} are equally specific and can match the same topic: make one more literal`,
        );
      }
    }
  }
}
