import { spawnSync } from 'node:child_process';
import { existsSync, mkdirSync, mkdtempSync, readdirSync, readFileSync, rmSync, symlinkSync, writeFileSync } from 'node:fs';
import { tmpdir } from 'node:os';
import { join, resolve } from 'node:path';
import { pathToFileURL } from 'node:url';
import test, { type ExecutionContext } from 'ava';
import { moduleUrl } from '../runtime/real/modules.ts';
import { NODE_ARGS, Running, until } from './actors/node/processes.ts';
import { modulesByUrl } from './tidy/imports.ts';
import { readProject } from './tidy/source.ts';

interface Manifest {
  readonly bin: Readonly<Record<string, string>>;
  readonly exports: Readonly<Record<string, string | { readonly types: string; readonly default: string }>>;
  readonly scripts: { readonly bundle: string };
}

const { bin, exports, scripts } = JSON.parse(readFileSync('package.json', 'utf8')) as Manifest;
const entries = [...scripts.bundle.matchAll(/--input ([\w/-]+)=dist\/\1\.js/g)].map((m) => `${m[1]}.ts`);
const shipped = [...Object.values(bin), ...Object.values(exports).map((to) => (typeof to === 'string' ? to : to.default))].filter((path) =>
  path.endsWith('.js'),
);

function bundled(path: string): string {
  return resolve(`dist/bundle/${path.replace(/\.ts$/, '.js')}`);
}

test('bundle: what is shipped is in it, and every module that is loaded by its URL', (t) => {
  const byUrl = readProject('.')
    .filter(({ path }) => /^(?:actors|runtime|storage)\//.test(path))
    .flatMap((source) => modulesByUrl(source))
    .filter((path) => existsSync(path));
  for (const path of ['cli.ts', 'actors/shard-module.ts', 'runtime/pool-worker.ts', 'runtime/threads/shard-worker.ts', 'storage/jobs.ts'])
    t.true(byUrl.includes(path), path);
  t.deepEqual(
    byUrl.filter((path) => !entries.includes(path)),
    [],
  );
  t.deepEqual(
    [...entries, ...byUrl].filter((path) => !existsSync(bundled(path))),
    [],
  );
  t.true(shipped.length > 1);
  t.deepEqual(
    shipped.filter((path) => !existsSync(path)),
    [],
  );
});

test('bundle: what the package is packed from has all that it names, and no test', (t) => {
  const { stdout, stderr } = spawnSync('npm', ['pack', '--dry-run', '--json', '--ignore-scripts'], { encoding: 'utf8' });
  t.true(stdout.trimStart().startsWith('['), stderr);
  const [packed] = JSON.parse(stdout) as readonly { readonly files: readonly { readonly path: string }[] }[];
  const files = new Set(packed!.files.map(({ path }) => path));
  const types = Object.values(exports).flatMap((to) => (typeof to === 'string' ? [] : [to.types]));
  t.true(types.length > 1);
  const needed = [...shipped, ...types].map((path) => path.replace(/^\.\//, ''));
  const ofBundle = readdirSync('dist/bundle', { recursive: true, encoding: 'utf8' }).filter((path) => path.endsWith('.js'));
  t.deepEqual(
    [...needed, ...ofBundle.map((path) => `dist/bundle/${path}`)].filter((path) => !files.has(path)),
    [],
  );
  t.deepEqual(
    [...files].filter((path) => /^dist\/(?:test|bench)\//.test(path) || (path.endsWith('.js') && !path.startsWith('dist/bundle/'))),
    [],
  );
});

test('bundle: it exports what the modules export', async (t) => {
  for (const path of entries.filter((entry) => entry !== 'cli.ts' && !entry.endsWith('-worker.ts'))) {
    const [single, inBundle] = await Promise.all(
      [moduleUrl(path.replace(/\.ts$/, '')), pathToFileURL(bundled(path))].map((url) => import(url.href) as Promise<object>),
    );
    t.true(Object.keys(single!).length > 0, path);
    t.deepEqual(Object.keys(inBundle!).sort(), Object.keys(single!).sort(), path);
  }
});

/** A directory in which the package is installed. */
function directoryOfUser(t: ExecutionContext): string {
  const dir = mkdtempSync(join(tmpdir(), 'dynactor-bundle-'));
  t.teardown(() => rmSync(dir, { recursive: true, force: true }));
  mkdirSync(join(dir, 'node_modules'));
  symlinkSync(resolve('.'), join(dir, 'node_modules', 'dynactor'));
  return dir;
}

test('bundle: a module of who uses the package has the same refs as the node that loads it', async (t) => {
  const dir = directoryOfUser(t);
  const module = join(dir, 'module.mjs');
  writeFileSync(
    module,
    `import { Ref } from 'dynactor';
     export function startShard({ wellKnown }) {
       console.log('its refs are ' + (wellKnown(1) instanceof Ref ? 'ours' : 'others'));
     }`,
  );
  const node = new Running(t, ['start', '--init', '--data', join(dir, 'data'), ...NODE_ARGS, '--shards', '1', '--module', module]);
  const said = await until(
    () => /its refs are (\w+)/.exec(node.out)?.[1] ?? null,
    () => node.out + node.err,
  );
  t.is(said, 'ours');
});

test('bundle: an actor of who uses the package runs on a thread, where refs and errors are what the package exports', async (t) => {
  const dir = directoryOfUser(t);
  writeFileSync(
    join(dir, 'greeter.mjs'),
    `import { defineActor, Ref } from 'dynactor';
     export const greeter = defineActor('greeter', () => ({
       receive: ({ replyTo, name }) => replyTo.tell(\`hello, \${name}, by \${replyTo instanceof Ref ? 'a ref' : 'a stranger'}\`),
     }));`,
  );
  writeFileSync(
    join(dir, 'main.mjs'),
    `import { ActorSystem, open } from 'dynactor';
     import { Store, StorageError } from 'dynactor/storage';
     import { greeter } from './greeter.mjs';
     const system = await ActorSystem.start({ shards: 1, modules: [new URL('./greeter.mjs', import.meta.url)] });
     const ref = await system.spawnOn(0, greeter, []);
     console.log(await ref.ask((replyTo) => ({ name: 'Ada', replyTo }), { timeoutMs: 20_000 }));
     await system.stop();
     const store = await open('alone', { shards: 1 });
     await store.keyspace('default').put('k', 'v');
     console.log(await store.keyspace('default').get('k'));
     await store.close();
     console.log(await Store.open('nowhere', { createIfMissing: false }).catch((error) => error instanceof StorageError && error.code));`,
  );
  const { stdout, stderr } = spawnSync(process.execPath, ['main.mjs'], { cwd: dir, encoding: 'utf8', timeout: 60_000 });
  t.is(stdout, 'hello, Ada, by a ref\nv\nNOT_FOUND\n', stderr);
});
