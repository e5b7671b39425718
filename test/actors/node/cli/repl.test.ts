import test, { type ExecutionContext } from 'ava';
import { completions, Repl, splitWords } from '../../../../actors/node/cli/repl.ts';
import { FakeValues } from './fake-values.ts';

interface Fixture {
  readonly repl: Repl;
  readonly spaces: ReadonlyMap<string, FakeValues>;
}

function start(): Fixture {
  const spaces = new Map(['default', 'users'].map((name) => [name, new FakeValues(name)]));
  const client = { keyspace: (name: string) => spaces.get(name), keyspaces: { list: () => [...spaces.keys()].map((name) => ({ name })) } };
  return { repl: new Repl(client as unknown as ConstructorParameters<typeof Repl>[0], 'default'), spaces };
}

const session = test.macro(async (t: ExecutionContext, lines: readonly (readonly [line: string, text: string | RegExp, ok: boolean])[]) => {
  const { repl } = start();
  for (const [line, text, ok] of lines) {
    const answer = await repl.run(line);
    if (typeof text === 'string') t.is(answer.text, text, line);
    else t.regex(answer.text, text, line);
    t.is(answer.ok, ok, line);
  }
});

test('repl: what is put is there until it is deleted', session, [
  ['put k "a b"', 'done, by 2 replicas (2 needed)', true],
  ['get k', 'a b', true],
  ['SET k c', /^done/, true],
  ['get k', 'c', true],
  ['del k', /^done/, true],
  ['get k', 'no such key', false],
  ['del k', 'no such key', false],
]);
test('repl: keyspaces are apart, and listed', session, [
  ['put k default', /^done/, true],
  ['keyspaces', 'default\nusers', true],
  ['keyspace users', '', true],
  ['get k', 'no such key', false],
  ['keyspace none', 'no keyspace none; there are default, users', false],
]);
test('repl: what it does not understand is answered with what it does', session, [
  ['flip', /^no command flip; expected one of get, put, del,/, false],
  ['put k', 'expected put KEY VALUE', false],
  ['get', 'expected get KEY', false],
  ['del a b', 'expected del KEY', false],
  ['get "k', 'a quote is not closed', false],
  ['', '', true],
  ['help', /^get KEY/, true],
]);

test('repl: an error of the cluster is an answer with its code', async (t) => {
  const { repl, spaces } = start();
  spaces.get('default')!.isDown = true;
  t.deepEqual(await repl.run('get k'), { text: 'QUORUM_NOT_MET: nobody is there', ok: false });
});

test('repl: siblings are all shown, and bytes that are no text', async (t) => {
  const { repl, spaces } = start();
  spaces.get('default')!.keys.set('k', [Buffer.from('new'), Buffer.of(0xff)]);
  const { text } = await repl.run('get k');
  t.deepEqual(text.split('\n').slice(0, 2), ['new', 'base64 /w==']);
  t.regex(text, /\(2 siblings, newest first: /);
});

test('repl: a scan shows keys that begin so, and no more than people read', async (t) => {
  const { repl, spaces } = start();
  for (let i = 0; i < 101; i++) spaces.get('default')!.keys.set(`k${i}`, [Buffer.from('v')]);
  t.deepEqual(await repl.run('scan k10'), { text: 'k10\nk100', ok: true });
  const all = (await repl.run('scan')).text.split('\n');
  t.deepEqual([all.length, all.at(-1)], [101, '(and more)']);
  t.is((await repl.run('scan a b')).ok, false);
});

test('repl: it is over, when told so', async (t) => {
  const { repl } = start();
  await repl.run('get k');
  t.false(repl.isOver);
  await repl.run('exit');
  t.true(repl.isOver);
});

test('repl words: quotes and backslashes hold words together', (t) => {
  t.deepEqual(splitWords(`  put 'a "b' "c \\"d\\" 'e'"  \\ f '' `), ['put', 'a "b', `c "d" 'e'`, ' f', '']);
  t.deepEqual(splitWords(`a'b'"c"\\\\`), ['abc\\']);
  t.deepEqual(splitWords(`'a\\'`), ['a\\']);
  t.is(splitWords(`'a`), null);
  t.deepEqual(splitWords(' '), []);
});

test('repl words: commands are completed, arguments are not', (t) => {
  t.deepEqual(completions('ke'), ['keyspace ', 'keyspaces ']);
  t.deepEqual(completions('get k'), []);
});
