/** What code that the simulator runs must not touch, since it would not be the same in each run of a seed. */
import { type Finding, findingsOf, isRealDoor, type Source } from './source.ts';

export interface Exemption {
  readonly path: string;
  readonly name: string;
  readonly why: string;
}

interface Ban {
  readonly name: string;
  /** Global; a match is a violation. */
  readonly pattern: RegExp;
  readonly instead: string;
}

const BANS: readonly Ban[] = [
  ...globals('context.clock', 'Date', 'performance'),
  ...globals('timers of the context', 'setTimeout', 'setInterval', 'setImmediate', 'queueMicrotask'),
  ...globals('a door', 'process', 'globalThis', 'fetch', 'WebSocket', 'Worker', 'MessageChannel', 'BroadcastChannel', 'require'),
  ...globals('context.log', 'console'),
  ...globals('context.random', 'crypto'),
  ...globals('explicit ownership: collection is not deterministic', 'WeakRef', 'FinalizationRegistry'),
  { name: 'Math.random', pattern: /\bMath\s*\.\s*random\b/g, instead: 'context.random' },
  { name: 'Atomics.wait', pattern: /\bAtomics\s*\.\s*wait(?:Async)?\b/g, instead: 'the loop door' },
  { name: 'AbortSignal.timeout', pattern: /\bAbortSignal\s*\.\s*timeout\b/g, instead: 'timers of the context' },
  { name: 'await', pattern: word('await'), instead: 'a later message' },
  { name: 'async', pattern: word('async'), instead: 'a later message' },
  { name: 'new Promise', pattern: /\bnew\s+Promise\b/g, instead: 'a later message' },
  {
    name: 'Promise.',
    pattern: /\bPromise\s*\.\s*(?:resolve|reject|all|any|race|allSettled|withResolvers|try)\b/g,
    instead: 'a later message',
  },
];

/** No global that touches the world outside the real doors. */
export function bannedGlobals(sources: readonly Source[], exemptions: readonly Exemption[] = []): Finding[] {
  return sources
    .filter((source) => !isRealDoor(source.path))
    .flatMap((source) =>
      BANS.filter((ban) => !exemptions.some((e) => e.path === source.path && e.name === ban.name)).flatMap((ban) =>
        findingsOf(source, ban.pattern, () => `${ban.name} is banned outside the real doors; use ${ban.instead}`),
      ),
    );
}

/** Exemptions that nothing needs any more. */
export function idleExemptions(sources: readonly Source[], exemptions: readonly Exemption[]): readonly Exemption[] {
  return exemptions.filter((e) => {
    const ban = BANS.find(({ name }) => name === e.name);
    const source = sources.find(({ path }) => path === e.path);
    return ban === undefined || source === undefined || findingsOf(source, ban.pattern, () => '').length === 0;
  });
}

/** farmhash's `hash...` differ between platforms; its `fingerprint...` don't. Everywhere. */
export function stableHashesOnly(sources: readonly Source[]): Finding[] {
  return sources.flatMap((source) =>
    findingsOf(source, /\bfarmhash\s*\.\s*(?!fingerprint)\w+/g, (name) => `${name} differs between platforms; use a fingerprint`),
  );
}

function globals(instead: string, ...names: readonly string[]): Ban[] {
  return names.map((name) => ({ name, pattern: word(name), instead }));
}

/** `name` as a free word: not a member (`x.name`, `#name`), and not the key of a property or the name of a parameter (`name: ...`). */
function word(name: string): RegExp {
  return new RegExp(`(?<![.#\\w$])(?<!readonly\\s+)(?<!\\bas\\s+)${name}(?![\\w$])(?!(?<=[{,;(\\n]\\s*${name})\\??\\s*:)`, 'g');
}
