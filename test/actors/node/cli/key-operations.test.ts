import test from 'ava';
import type { Context } from '../../../../actors/client/context-text.ts';
import { deleteKey, putKey, shownKey, shownValue } from '../../../../actors/node/cli/key-operations.ts';
import { FakeValues } from './fake-values.ts';

const bytes = (text: string): Uint8Array => Buffer.from(text);

test('key operations: a put takes the place of what is there, when no context is given', async (t) => {
  const fake = new FakeValues();
  await putKey(fake.asValues, 'k', bytes('a'), {});
  await putKey(fake.asValues, 'k', bytes('b'), { w: 'all', ttlMs: 5 });
  t.deepEqual(fake.keys.get('k')?.map(String), ['b']);
  t.deepEqual(fake.options, [{ context: '' }, { w: 'all', ttlMs: 5, context: 'seen 1' }]);
});

test('key operations: a put has no read before it, when a context is given', async (t) => {
  const fake = new FakeValues();
  fake.isDown = true;
  await putKey(fake.asValues, 'k', bytes('a'), { context: '' });
  await putKey(fake.asValues, 'k', bytes('b'), { context: '' });
  t.is(fake.keys.get('k')?.length, 2);
});

test('key operations: nothing is deleted, when there is nothing', async (t) => {
  const fake = new FakeValues();
  t.is(await deleteKey(fake.asValues, 'k', {}), null);
  t.deepEqual(fake.options, []);
  await putKey(fake.asValues, 'k', bytes('a'), {});
  t.truthy(await deleteKey(fake.asValues, 'k', { w: 1 }));
  t.deepEqual(fake.options.at(-1), { w: 1, context: 'seen 1' });
  t.truthy(await deleteKey(fake.asValues, 'k', { context: 'c' }));
});

test('key operations: values are shown as text, when they are', (t) => {
  t.deepEqual(shownValue(bytes('\ufeffgrün')), { value: '\ufeffgrün', encoding: 'utf8' });
  t.deepEqual(shownValue(Uint8Array.of(0xff, 0)), { value: '/wA=', encoding: 'base64' });
  const found = {
    ...{ value: bytes('a'), context: 'c' as Context },
    siblings: [
      { value: bytes('a'), writtenMs: 1_000, expiresMs: 2_000 },
      { value: bytes('b'), writtenMs: 0, expiresMs: undefined },
    ],
  };
  t.deepEqual(shownKey('ks', 'k', found as unknown as Parameters<typeof shownKey>[2]), {
    ...{ keyspace: 'ks', key: 'k', context: 'c' },
    siblings: [
      { value: 'a', encoding: 'utf8', writtenAt: '1970-01-01T00:00:01.000Z', expiresAt: '1970-01-01T00:00:02.000Z' },
      { value: 'b', encoding: 'utf8', writtenAt: '1970-01-01T00:00:00.000Z', expiresAt: null },
    ],
  });
});
