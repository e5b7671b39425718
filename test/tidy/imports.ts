/** Rules about who imports whom. */
import { posix } from 'node:path';
import { type Area, areaOf, type Finding, findingAt, type ImportLink, isRealDoor, type Source } from './source.ts';

/** What each area may import of the others; `top` is index.ts and cli.ts. */
const MAY_IMPORT: Readonly<Record<Area, readonly Area[]>> = {
  runtime: [],
  storage: ['runtime'],
  actors: ['runtime', 'storage'],
  embedded: ['runtime', 'storage'],
  orchestration: ['runtime', 'storage', 'actors'],
  top: ['runtime', 'storage', 'actors', 'embedded', 'orchestration'],
  // Benches run the tests' workloads, generators and checkers at full size.
  test: ['runtime', 'storage', 'actors', 'embedded', 'orchestration', 'top'],
  bench: ['runtime', 'storage', 'actors', 'embedded', 'orchestration', 'top', 'test'],
};

/** Storage knows the doors and the errors, never actors, refs or threads. */
const RUNTIME_LEAVES: readonly string[] = [
  'runtime/errors.ts',
  'runtime/bytes.ts',
  'runtime/doors.ts',
  'runtime/files.ts',
  'runtime/jobs.ts',
];

/** Pure packages: no clock, no thread, no input or output. */
const PACKAGES_OF_THE_CORE: readonly string[] = ['cbor-x', 'farmhash'];

/** Pure functions of Node, and who may use them. */
const PURE_MODULES: Readonly<Record<string, readonly string[]>> = {
  'node:zlib': ['storage/codec.ts', 'storage/checksum.ts'],
};

/** runtime imports nothing above it, storage only its leaves, actors both, the embedded engine too; tests and benches are imported by nobody else. */
export function importDirections(sources: readonly Source[]): Finding[] {
  return eachImport(sources, (source, link) => {
    if (link.path === undefined) return undefined;
    const from = areaOf(source.path);
    const to = areaOf(link.path);
    if (link.path.startsWith('..')) return `imports ${link.specifier} from outside the project`;
    // Tests of the benches' own parts.
    if (to === 'bench' && source.path.startsWith('test/bench/')) return undefined;
    if (from !== to && !MAY_IMPORT[from].includes(to)) return `${nameOf(from)} must not import ${link.path}`;
    if (from === 'storage' && to === 'runtime' && !RUNTIME_LEAVES.includes(link.path)) {
      return `storage may import only ${RUNTIME_LEAVES.join(', ')} of runtime, not ${link.path}`;
    }
    return undefined;
  });
}

/** What the simulator runs reaches neither `node:` modules nor packages that touch the world, nor the real doors behind which they are. */
export function doorImports(sources: readonly Source[]): Finding[] {
  return eachImport(sources, (source, link) => {
    // It may wait, but sockets, files and threads are opened in the runtime for it too.
    if (areaOf(source.path) === 'orchestration' && link.specifier.startsWith('node:')) return `only real doors import ${link.specifier}`;
    if (isRealDoor(source.path)) return undefined;
    if (link.dynamic) return 'import() is asynchronous: load modules in a real door';
    if (link.path === undefined) {
      if (PACKAGES_OF_THE_CORE.includes(link.specifier)) return undefined;
      if (PURE_MODULES[link.specifier]?.includes(source.path)) return undefined;
      return `only real doors import ${link.specifier}`;
    }
    return isRealDoor(link.path) && !link.typeOnly ? `must not import the real door ${link.path}` : undefined;
  });
}

/** Only entry files re-export; nothing exports `*`. */
export function noBarrels(sources: readonly Source[], entries: readonly string[]): Finding[] {
  return eachImport(sources, (source, link) => {
    if (!link.reExport) return undefined;
    if (/^export\s+(?:type\s+)?\*/.test(source.code.slice(link.offset))) return `export * from ${link.specifier}`;
    return entries.includes(source.path) ? undefined : `re-exports ${link.specifier}, which only entry files do`;
  });
}

/**
 * Every file of the product is reached from an entry point of the product, every other one from some entry point.
 * A relative path in a string counts as an import: worker threads and child processes are started so.
 */
export function noOrphans(sources: readonly Source[], productEntries: readonly string[], otherEntries: readonly string[]): Finding[] {
  const byPath = new Map(sources.map((source) => [source.path, source]));
  const product = reach(byPath, productEntries);
  const all = reach(byPath, [...productEntries, ...otherEntries]);
  const findings: Finding[] = [];
  for (const { path } of sources) {
    const area = areaOf(path);
    const belongsToProduct = area !== 'test' && area !== 'bench';
    if (!(belongsToProduct ? product : all).has(path)) {
      findings.push({ path, line: 0, message: `not reached from any entry point${belongsToProduct ? ' of the product' : ''}` });
    }
  }
  return findings;
}

function reach(byPath: ReadonlyMap<string, Source>, entries: readonly string[]): ReadonlySet<string> {
  const reached = new Set<string>();
  const waiting = [...entries];
  for (let path = waiting.pop(); path !== undefined; path = waiting.pop()) {
    const source = byPath.get(path);
    if (source === undefined || reached.has(path)) continue;
    reached.add(path);
    for (const link of source.imports) if (link.path !== undefined) waiting.push(link.path);
    for (const m of source.uncommented.matchAll(/['"`](\.{1,2}\/[\w./-]+)/g)) {
      const named = posix.join(posix.dirname(path), m[1] as string);
      waiting.push(named, `${named}.ts`, named.replace(/\.js$/, '.ts'));
    }
    for (const module of modulesByUrl(source)) waiting.push(module);
  }
  return reached;
}

/** Modules that a file names by their paths from the top, to be loaded by URL; what is none is among them. */
export function modulesByUrl({ uncommented }: Source): readonly string[] {
  return [...uncommented.matchAll(/'((?:actors|runtime|storage)\/[\w/-]+|cli)'/g)].map((m) => `${m[1]}.ts`);
}

function eachImport(sources: readonly Source[], check: (source: Source, link: ImportLink) => string | undefined): Finding[] {
  const findings: Finding[] = [];
  for (const source of sources) {
    for (const link of source.imports) {
      const message = check(source, link);
      if (message !== undefined) findings.push(findingAt(source, link.offset, message));
    }
  }
  return findings;
}

function nameOf(area: Area): string {
  return area === 'top' ? 'a top-level file' : area;
}
