import { cpSync, existsSync, readdirSync } from 'node:fs';
import { join } from 'node:path';
import test from 'ava';
import { Store } from '../../../storage/embedded/store.ts';
import { repairTool, scrubTool } from '../../../storage/embedded/tools.ts';
import { placeSample, sampleContents, sampleDatabase, temporaryDir } from './sample-database.ts';

async function contents(store: Store): Promise<Map<string, string>> {
  const found = new Map<string, string>();
  for await (const { key, value } of store.entries()) found.set(key.toString(), value.toString());
  return found;
}

const sorted = (map: ReadonlyMap<string, string>): [string, string][] => [...map].sort(([a], [b]) => (a < b ? -1 : 1));

test('backup: a checkpoint copied elsewhere is restored by copying it to an empty directory, when the database has changed since', async (t) => {
  const parent = temporaryDir(t);
  const at = (name: string): string => join(parent, name);
  placeSample(await sampleDatabase(), at('db'));
  const store = await Store.open(at('db'));
  await store.checkpoint(at('checkpoint'));
  await store.clear();
  await store.put('later', '1');
  await store.compact();
  await store.close();
  cpSync(at('checkpoint'), at('backup'), { recursive: true });
  cpSync(at('backup'), at('restored'), { recursive: true });
  for (const name of ['restored', 'checkpoint']) {
    const restored = await Store.open(at(name), { createIfMissing: false });
    t.deepEqual([...(await contents(restored))], sorted(sampleContents()));
    await restored.put('written', 'after');
    t.is(String(await restored.get('written')), 'after');
    await restored.close();
  }
  t.true(await scrubTool(at('backup'), { write: () => undefined }));
  const original = await Store.open(at('db'));
  t.deepEqual([...(await contents(original))], [['later', '1']]);
  await original.close();
});

test('backup: a checkpoint says that there is a database, when the directory has one', async (t) => {
  const parent = temporaryDir(t);
  const store = await Store.open(join(parent, 'db'));
  t.teardown(() => store.close());
  await store.put('a', '1');
  await store.checkpoint(join(parent, 'copy'));
  await t.throwsAsync(store.checkpoint(join(parent, 'copy')), { code: 'EXISTS' });
});

test('tools: scrub and repair refuse a database, when it is open', async (t) => {
  const dir = join(temporaryDir(t), 'db');
  const store = await Store.open(dir);
  t.teardown(() => store.close());
  await t.throwsAsync(scrubTool(dir, { write: () => undefined }), { code: 'LOCKED' });
  await t.throwsAsync(repairTool(dir, { write: () => undefined, dryRun: false }), { code: 'LOCKED' });
});

test('tools: scrub and repair make nothing, when there is no database', async (t) => {
  const dir = temporaryDir(t);
  await t.throwsAsync(scrubTool(dir, { write: () => undefined }), { code: 'NOT_FOUND' });
  await t.throwsAsync(repairTool(join(dir, 'nowhere'), { write: () => undefined, dryRun: false }), { code: 'NOT_FOUND' });
  t.deepEqual(readdirSync(dir), []);
  t.false(existsSync(join(dir, 'nowhere')));
});
