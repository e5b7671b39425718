/**
 * The house rules, executed on the source tree. Each rule is shown alive on a planted violation, and shown not to see one where
 * there is none.
 */
import { readdirSync, readFileSync } from 'node:fs';
import test, { type ExecutionContext } from 'ava';
import { bannedGlobals, type Exemption, idleExemptions, stableHashesOnly } from './tidy/globals.ts';
import { doorImports, importDirections, noBarrels, noOrphans } from './tidy/imports.ts';
import { noBannedSyntax, noEmptyCatch, noLongFiles, noTopLevelState, strangers } from './tidy/shape.ts';
import { areaOf, type Finding, readProject, type Source, show, sourceOf } from './tidy/source.ts';
import { strip } from './tidy/strip.ts';
import { testTitles } from './tidy/titles.ts';

const LINES_MAX = 400;
const PRODUCT_ENTRIES: readonly string[] = [
  ...['index.ts', 'cli.ts', 'runtime/simulation/testing.ts'],
  ...['storage/embedded/store.ts', 'storage/embedded/level.ts'],
];
const TOP_LEVEL: readonly string[] = [
  ...['package.json', 'package-lock.json', 'tsconfig.json', 'README.md', 'LICENSE', 'index.ts', 'cli.ts'],
  ...['actors', 'runtime', 'storage', 'test', 'bench', 'node_modules', 'dist'],
  // What `npm start` leaves.
  'data',
];
const EXEMPTIONS: readonly Exemption[] = [
  { path: 'runtime/asks.ts', name: 'new Promise', why: 'the promise that `ref.ask` returns to code outside actors' },
];

// AVA runs tests in the folder of package.json.
const project = readProject('.');
const { scripts } = JSON.parse(readFileSync('package.json', 'utf8')) as { readonly scripts: Readonly<Record<string, string>> };
/** Tests, and programs that a script of package.json or the file's own header says how to run. */
const otherEntries = project
  .filter(
    ({ path, text }) => path.endsWith('.test.ts') || [text, ...Object.values(scripts)].some((where) => where.includes(programOf(path))),
  )
  .map(({ path }) => path);

const clean = test.macro((t: ExecutionContext, check: (sources: readonly Source[]) => readonly Finding[]) => {
  t.deepEqual(check(project).map(show), []);
});

type Files = Readonly<Record<string, string>>;
const planted = test.macro(
  (
    t: ExecutionContext,
    check: (sources: readonly Source[]) => readonly Finding[],
    bad: Files,
    expected: readonly string[],
    good: Files,
  ) => {
    t.deepEqual(check(sourcesOf(bad)).map(show), expected);
    t.deepEqual(check(sourcesOf(good)).map(show), []);
  },
);

function programOf(path: string): string {
  return `node dist/${path.replace(/\.ts$/, '.js')}`;
}

function sourcesOf(files: Files): Source[] {
  return Object.entries(files).map(([path, text]) => sourceOf(path, text));
}

test('tidy: the project is read, when the rules run on it', (t) => {
  for (const area of ['runtime', 'test', 'bench'] as const)
    t.true(
      project.some(({ path }) => areaOf(path) === area),
      area,
    );
});

test('tidy stripper: comments and insides of strings go, code and offsets stay', (t) => {
  const text = [
    "const a = 'it\\'s // no comment'; // a 'comment'",
    // biome-ignore lint/suspicious/noTemplateCurlyInString: it is the text of a program
    'const b = `x ${f({ y: `inner ${1}` })} z`; /* Date */ const c = 1;',
    "const d = /['\"/]\\/[/]/g.test(e) ? 4 / 2 / 1 : '/';",
  ].join('\n');
  const { code, uncommented } = strip(text);
  t.is(code.length, text.length);
  t.deepEqual(
    code.split('\n').map((line) => line.replace(/ +/g, ' ').trim()),
    // biome-ignore lint/suspicious/noTemplateCurlyInString: it is the text of a program
    ["const a = ' ';", 'const b = ` ${f({ y: ` ${1}` })} `; const c = 1;', "const d = / /g.test(e) ? 4 / 2 / 1 : ' ';"],
  );
  t.true(uncommented.includes("'it\\'s // no comment';"));
  t.false(uncommented.includes('Date'));
});

test('imports: areas import only downwards', clean, importDirections);
test(
  'imports: a wrong direction is found, when planted',
  planted,
  importDirections,
  {
    'runtime/a.ts': "import { x } from '../actors/x.ts';\nimport type {\n  Y,\n} from '../index.ts';\nawait import('../bench/z.ts');",
    'storage/b.ts': "export { ref } from '../runtime/ref.ts';",
    'storage/c.ts': "import { Store } from './embedded/store.ts';",
    'storage/embedded/d.ts': "import { x } from '../../actors/x.ts';",
    'actors/c.ts': "import '../test/helper.ts';",
    'actors/d.ts': "import { start } from './node/start.ts';",
    'actors/f.ts': "import { connect } from './client/connect.ts';",
    'actors/node/e.ts': "import { Store } from '../../storage/embedded/store.ts';",
    'cli.ts': "import { x } from './bench/x.ts';",
    'test/d.test.ts': "import { x } from '../bench/x.ts';",
    'bench/e.ts': "import { x } from '../../elsewhere/x.ts';",
  },
  [
    'runtime/a.ts:1: runtime must not import actors/x.ts',
    'runtime/a.ts:2: runtime must not import index.ts',
    'runtime/a.ts:5: runtime must not import bench/z.ts',
    'storage/b.ts:1: storage may import only runtime/errors.ts, runtime/bytes.ts, runtime/doors.ts, runtime/files.ts, runtime/jobs.ts of runtime, not runtime/ref.ts',
    'storage/c.ts:1: storage must not import storage/embedded/store.ts',
    'storage/embedded/d.ts:1: embedded must not import actors/x.ts',
    'actors/c.ts:1: actors must not import test/helper.ts',
    'actors/d.ts:1: actors must not import actors/node/start.ts',
    'actors/f.ts:1: actors must not import actors/client/connect.ts',
    'actors/node/e.ts:1: orchestration must not import storage/embedded/store.ts',
    'cli.ts:1: a top-level file must not import bench/x.ts',
    'test/d.test.ts:1: test must not import bench/x.ts',
    'bench/e.ts:1: imports ../../elsewhere/x.ts from outside the project',
  ],
  {
    'runtime/a.ts': "// import '../actors/x.ts';\nimport { b } from './wire/b.ts';\nconst s = `\nimport { c } from '../actors/c.ts';\n`;",
    'storage/b.ts': "import { RuntimeError } from '../runtime/errors.ts';",
    'storage/embedded/d.ts': "import { RealFiles } from '../../runtime/real/files.ts';\nimport { b } from '../b.ts';",
    'actors/node/e.ts': "import { system } from '../../runtime/system.ts';\nimport { ring } from '../ring-actor.ts';",
    'actors/c.ts': "import { log } from '../storage/log.ts';\nimport type { Ref } from '../runtime/ref.ts';",
    'test/bench/e.test.ts': "import { x } from '../../bench/x.ts';",
    'test/d.test.ts': "import { system } from '../runtime/system.ts';\nimport { help } from './helpers/help.ts';",
  },
);

test('imports: what the simulator runs imports no real door', clean, doorImports);
test(
  'imports: a way round the doors is found, when planted',
  planted,
  doorImports,
  {
    'runtime/cell.ts': "import { createServer } from 'node:net';\nimport { readFileSync } from 'fs';\nimport { Piscina } from 'piscina';",
    'actors/a.ts': "import { start } from '../runtime/threads/start.ts';\nconst x = import('./b.ts');",
    'storage/block.ts': "import { crc32 } from 'node:zlib';",
    'actors/node/a.ts': "import { createServer } from 'node:http';",
  },
  [
    'runtime/cell.ts:1: only real doors import node:net',
    'runtime/cell.ts:2: only real doors import fs',
    'runtime/cell.ts:3: only real doors import piscina',
    'actors/a.ts:1: must not import the real door runtime/threads/start.ts',
    'actors/a.ts:2: import() is asynchronous: load modules in a real door',
    'storage/block.ts:1: only real doors import node:zlib',
    'actors/node/a.ts:1: only real doors import node:http',
  ],
  {
    'runtime/cell.ts': "import { Encoder } from 'cbor-x';\nimport type { PoolOptions } from './pool.ts';\nimport { x } from './ring.ts';",
    'runtime/real/net.ts': "import { createServer } from 'node:net';",
    'runtime/pool-worker.ts': "import { move } from 'piscina';",
    'runtime/node-files.ts': "import { open } from 'node:fs';",
    'storage/checksum.ts': "import { crc32 } from 'node:zlib';",
    'actors/node/a.ts': "import { Hono } from 'hono';\nawait import('./b.ts');",
    'storage/embedded/a.ts': "import { mkdir } from 'node:fs/promises';\nawait mkdir('a');",
  },
);

test('imports: no barrel files', clean, (sources) => noBarrels(sources, PRODUCT_ENTRIES));
test(
  'imports: a barrel is found, when planted',
  planted,
  (sources) => noBarrels(sources, PRODUCT_ENTRIES),
  {
    'index.ts': "export * from './runtime/ref.ts';\nexport type * from './runtime/ref.ts';\nexport * as refs from './runtime/ref.ts';",
    'runtime/all.ts': "export { Ref } from './ref.ts';",
  },
  [
    'index.ts:1: export * from ./runtime/ref.ts',
    'index.ts:2: export * from ./runtime/ref.ts',
    'index.ts:3: export * from ./runtime/ref.ts',
    'runtime/all.ts:1: re-exports ./ref.ts, which only entry files do',
  ],
  { 'index.ts': "export { Ref } from './runtime/ref.ts';", 'runtime/a.ts': "import { b } from './b.ts';\nexport const c = b('from');" },
);

test('imports: every file is reached from an entry point', clean, (sources) => noOrphans(sources, PRODUCT_ENTRIES, otherEntries));

test(
  'imports: an orphan is found, when planted',
  planted,
  (sources) => noOrphans(sources, ['index.ts'], ['test/a.test.ts', 'bench/run.ts']),
  {
    'index.ts': "export { b } from './runtime/b.ts';",
    'runtime/b.ts': 'export const b = 1;',
    'runtime/tested-only.ts': 'export const c = 1;',
    'test/a.test.ts': "import { c } from '../runtime/tested-only.ts';",
    'test/helpers/nobody.ts': "import { c } from './nobody-else.ts';",
    'test/helpers/nobody-else.ts': 'export const c = 1;',
  },
  [
    'runtime/tested-only.ts: not reached from any entry point of the product',
    'test/helpers/nobody.ts: not reached from any entry point',
    'test/helpers/nobody-else.ts: not reached from any entry point',
  ],
  {
    'index.ts': "import './runtime/real/start.ts';",
    'runtime/real/start.ts': "new Worker(moduleUrl('runtime/worker'));",
    'runtime/worker.ts': "import { b } from './b.ts';",
    'runtime/b.ts': 'export const b = 1;',
    'bench/run.ts': "fork(new URL('./child.js', import.meta.url));",
    'bench/child.ts': "import '../index.ts';",
  },
);

test('globals: what the simulator runs touches no banned global', clean, (sources) => bannedGlobals(sources, EXEMPTIONS));
test('globals: every exemption is still needed', (t) => {
  t.deepEqual(idleExemptions(project, EXEMPTIONS), []);
});
test('globals: an exemption that nothing needs is found, when planted', (t) => {
  const exemptions = ['new Promise', 'await', 'no such ban'].map((name) => ({ path: 'runtime/asks.ts', name, why: 'planted' }));
  const sources = sourcesOf({ 'runtime/asks.ts': 'return new Promise(done);' });
  t.deepEqual(
    idleExemptions(sources, exemptions).map(({ name }) => name),
    ['await', 'no such ban'],
  );
  t.deepEqual(bannedGlobals(sources, exemptions), []);
  t.is(bannedGlobals(sources).length, 1);
});
for (const [name, text] of [
  ['Date', 'const a = Date.now();'],
  ['Date', 'const a = b ? Date : c;'],
  ['performance', 'f(performance.now());'],
  ['setTimeout', 'setTimeout(f, 1);'],
  ['setInterval', 'const set = setInterval;'],
  ['setImmediate', 'setImmediate(f);'],
  ['queueMicrotask', 'queueMicrotask(f);'],
  ['process', 'const e = process.env;'],
  ['process', 'const e = { process };'],
  ['globalThis', 'globalThis.setTimeout(f, 1);'],
  ['console', 'console.log(1);'],
  ['crypto', 'crypto.randomUUID();'],
  ['Math.random', 'const r = Math.random();'],
  ['WeakRef', 'new WeakRef(a);'],
  ['FinalizationRegistry', 'new FinalizationRegistry(f);'],
  ['Atomics.wait', 'Atomics.wait(a, 0, 0);'],
  ['Atomics.wait', 'Atomics.waitAsync(a, 0, 0);'],
  ['await', 'const a = await b;'],
  ['async', 'const a = async () => 1;'],
  ['new Promise', 'return new Promise(f);'],
  ['Promise.', 'return Promise.resolve(1);'],
  ['AbortSignal.timeout', 'const s = AbortSignal.timeout(1);'],
] as const) {
  test(`globals: ${name} is found, when planted as ${text}`, (t) => {
    for (const path of ['runtime/cell.ts', 'runtime/simulation/world.ts', 'actors/a.ts', 'storage/b.ts']) {
      const found = bannedGlobals(sourcesOf({ [path]: `const x = 1;\n${text}` }));
      t.true(
        found.some((f) => f.line === 2 && f.message.startsWith(`${name} is banned`)),
        `${path}: ${found.map(show).join()}`,
      );
    }
    for (const path of [
      'runtime/real/clock.ts',
      'runtime/system.ts',
      'runtime/pool.ts',
      'runtime/node-files.ts',
      'cli.ts',
      'test/a.test.ts',
    ]) {
      t.deepEqual(bannedGlobals(sourcesOf({ [path]: text })), [], path);
    }
  });
}
test('globals: names that only look banned pass', (t) => {
  const text = [
    "// Date.now(), await\nconst a = 'await Date';",
    'const b = this.process(x.Date, y.performance, #crypto);',
    'interface C { readonly process: number; crypto?: string }',
    'function d(performance: number): Promise<number> { return e.async; }',
    'const updateDate = Mydate; const processId = 1; Atomics.notify(i, 0);',
  ].join('\n');
  t.deepEqual(bannedGlobals(sourcesOf({ 'runtime/cell.ts': text })).map(show), []);
});

test('globals: only stable hashes', clean, stableHashesOnly);
test(
  'globals: a platform-dependent hash is found, when planted',
  planted,
  stableHashesOnly,
  { 'runtime/a.ts': 'const h = farmhash.hash64(key);' },
  ['runtime/a.ts:1: farmhash.hash64 differs between platforms; use a fingerprint'],
  { 'runtime/a.ts': 'const h = farmhash.fingerprint64(key);' },
);

test('shape: no empty catch', clean, noEmptyCatch);
test(
  'shape: an empty catch is found, when planted',
  planted,
  noEmptyCatch,
  { 'runtime/a.ts': 'try { f(); } catch (e) {\n  // fine\n}\ntry { f(); } catch {}\np.catch(() => {});\np.catch((e) => { /* fine */ });' },
  ['runtime/a.ts:1: empty catch', 'runtime/a.ts:4: empty catch', 'runtime/a.ts:5: empty catch', 'runtime/a.ts:6: empty catch'],
  { 'runtime/a.ts': "try { f(); } catch (e) { log(e); }\np.catch((e) => log(e));\np.catch(() => undefined);\nconst s = 'catch {}';" },
);

test('shape: no top-level state in what the simulator runs', clean, noTopLevelState);
test(
  'shape: top-level state is found, when planted',
  planted,
  noTopLevelState,
  {
    'runtime/a.ts': [
      'let count = 0;',
      'export var b = 1;',
      'const seen = new Map<string, number>();',
      'export const ids: Set<number> = new Set();',
      'const list: number[] = [];',
      'const table = { a: 1 };',
      'interface Point {\n  readonly x: number;\n  y: number;\n}\nconst origin: Point = { x: 0, y: 0 };',
      'class C {\n  static instances = 0;\n  private static #last: C | undefined;\n}',
    ].join('\n'),
  },
  [
    'runtime/a.ts:1: top-level let count',
    'runtime/a.ts:2: top-level export var b',
    'runtime/a.ts:13: mutable static instances',
    'runtime/a.ts:14: mutable private static #last',
    'runtime/a.ts:3: top-level new Map seen: declare it read-only (type Readonly..., or `as const`)',
    'runtime/a.ts:4: top-level new Set ids: declare it read-only (type Readonly..., or `as const`)',
    'runtime/a.ts:5: top-level array list: declare it read-only (type Readonly..., or `as const`)',
    'runtime/a.ts:6: top-level object table: declare it read-only (type Readonly..., or `as const`)',
    'runtime/a.ts:11: top-level object origin: declare it read-only (type Readonly..., or `as const`)',
  ],
  {
    'runtime/a.ts': [
      'const words: ReadonlySet<string> = new Set([`let x`]);',
      'const rows: readonly number[] = [1, [2].length];',
      'export const kinds = {\n  a: { b: [1] },\n} as const;',
      'const byName: Readonly<Record<string, () => void>> = { a() {} };',
      'const limit = 5;',
      'const nobody: Receiver = { at: 0, take() {} };\ninterface Receiver extends Base {\n  readonly at: number;\n  take(): { x: 1 };\n}',
      'const root: Words = [1];\ntype Words = readonly number[];',
      'function f() {\n  let x = new Map();\n  return x;\n}',
      'class C {\n  static readonly zero = new C();\n  static of(): C { return C.zero; }\n}',
    ].join('\n'),
    'runtime/real/a.ts': 'let count = 0;',
    'test/a.test.ts': 'let count = 0;',
  },
);

test('shape: no banned syntax', clean, noBannedSyntax);
test(
  'shape: banned syntax is found, when planted',
  planted,
  noBannedSyntax,
  {
    'bench/a.ts': [
      'export default f;',
      'export const enum E { A }',
      'declare namespace N {}',
      'const x: any = y as any;',
      'const z: Map<string, any[]> = f;',
      '// @ts-ignore',
      '// TODO: later',
    ].join('\n'),
  },
  [
    'bench/a.ts:1: default export',
    'bench/a.ts:2: export const enum E',
    'bench/a.ts:3: declare namespace N',
    'bench/a.ts:4: type any',
    'bench/a.ts:4: type any',
    'bench/a.ts:5: type any',
    'bench/a.ts:6: comment with @ts-ignore',
    'bench/a.ts:7: comment with TODO',
  ],
  {
    'bench/a.ts':
      "// any enum of any default\nconst s = 'any TODO'; Promise.any(x); const any1 = anyRef; interface I { any(): void; any?: number }",
  },
);

test(`shape: no product file over ${LINES_MAX} lines`, clean, (sources) => noLongFiles(sources, LINES_MAX));
test(
  'shape: a long file is found, when planted',
  planted,
  (sources) => noLongFiles(sources, 3),
  { 'storage/a.ts': 'a\nb\nc\nd\n' },
  ['storage/a.ts: 4 lines, expected at most 3'],
  { 'storage/a.ts': 'a\nb\nc\n', 'test/a.ts': 'a\nb\nc\nd\n' },
);

test('layout: the top level holds only what belongs there', (t) => {
  t.deepEqual(strangers(readdirSync('.'), TOP_LEVEL), []);
});
test('layout: every program that a script runs has a source', (t) => {
  const programs = Object.values(scripts).flatMap((line) =>
    [...line.matchAll(/node (?:--\S+ )?dist\/(?:bundle\/)?([\w/-]+)\.js/g)].map((m) => `${m[1]}.ts`),
  );
  t.true(programs.length > 0);
  t.deepEqual(
    programs.filter((path) => !project.some((source) => source.path === path)),
    [],
  );
});
test('layout: a stranger is found, when planted', (t) => {
  t.deepEqual(strangers(['src', 'runtime', '.ci', 'biome.json'], TOP_LEVEL), ['src', 'biome.json']);
});

test('titles: each exists once and names its subject', clean, testTitles);
test(
  'titles: a title twice, without subject, or alone is found, when planted',
  planted,
  testTitles,
  {
    'test/a.test.ts': "test('ring: grows', f);\ntest.serial(\n  'ring: shrinks',\n  g,\n);",
    'test/b.test.ts': "test('ring: shrinks', f);\ntest.only(`grows`, f);\ntestProp('ring: grows', [x], f);",
  },
  [
    'test/b.test.ts:1: title is also in test/a.test.ts: ring: shrinks',
    "test/b.test.ts:2: title must read 'subject: behaviour': grows",
    'test/b.test.ts:3: title is also in test/a.test.ts: ring: grows',
    'test/b.test.ts:2: test.only hides the other tests',
  ],
  {
    'test/a.test.ts': "test('ring: grows', f);\n// test('ring: grows', f);\nconst s = `test('ring: grows', f)`; /x/.test('ring: grows');",
    'test/helpers/a.ts': "test('ring: grows', f);",
  },
);
