import { fc, testProp } from '@fast-check/ava';
import test, { type ExecutionContext } from 'ava';
import { COMMAND, FAULT, MORE, RespReader } from '../../../actors/resp/resp-reader.ts';
import { readNaively } from './naive-reader.ts';
import { encode } from './session-kit.ts';

const LIMITS = { argumentsMax: 8, bulkBytesMax: 200, commandBytesMax: 4_000 };

interface Read {
  readonly commands: readonly (readonly string[])[];
  readonly fault: string;
}

/** Reads `bytes` in chunks of the lengths given, the last again and again. Feeds the next chunk while a command is held, every other time. */
function read(bytes: Buffer, chunks: readonly number[], mutants: readonly string[] = [], limits = LIMITS): Read {
  const reader = new RespReader({ ...limits }, new Set(mutants));
  const commands: string[][] = [];
  let at = 0;
  let next = 0;
  const feed = (): boolean => {
    const length = chunks[Math.min(next++, chunks.length - 1)]!;
    const chunk = Buffer.from(bytes.subarray(at, at + length));
    if (chunk.length === 0) return false;
    at += chunk.length;
    reader.feed(chunk, 0, chunk.length);
    return true;
  };
  for (;;) {
    const found = reader.next();
    if (found === FAULT) return { commands, fault: reader.fault };
    if (found === COMMAND) {
      if (next % 2 === 0) feed();
      commands.push(Array.from({ length: reader.count }, (_, i) => reader.text(i)));
    } else if (!feed()) return { commands, fault: '' };
  }
}

const word = fc.oneof(fc.string({ maxLength: 12 }), fc.constantFrom('', 'GET', 'SET', '\r\n', '*1\r\n', '$3\r\nabc\r\n', 'x'.repeat(150)));
const pieces = fc.oneof(
  { weight: 6, arbitrary: fc.array(word, { maxLength: 9 }).map((words) => encode(words)) },
  {
    weight: 2,
    arbitrary: fc
      .array(fc.constantFrom('PING', '"a b"', "'c\\'d'", '"\\x41\\n\\q"', '"x', 'e"f"', '"g"h', '  ', '\t', '\\', '"\\', "'", '"\\x4'), {
        maxLength: 5,
      })
      .map((words) => Buffer.from(`${words.join(' ')}\r\n`)),
  },
  {
    weight: 1,
    arbitrary: fc
      .constantFrom('\r\n', '\n', '*0\r\n', '*-1\r\n', '*1\r\n', '$1\r\n', '*01\r\n', '*9\r\n', '*+1\r\n', '*1x\r\n')
      .map((text) => Buffer.from(text)),
  },
  {
    weight: 1,
    arbitrary: fc
      .constantFrom(
        '*1\r\n$-1\r\n',
        '*1\r\n$201\r\n',
        '*1\r\n$99999999999999999999\r\n',
        '*1\r\n$3\r\nabcd\r\n',
        '*1\n$1\r\na\r\n',
        '*1\r\n:1\r\n',
        '*1\r\n$',
      )
      .map((text) => Buffer.from(text)),
  },
);
const input = fc.array(pieces, { maxLength: 8 }).map((parts) => Buffer.concat(parts));
const chunking = fc.array(fc.integer({ min: 1, max: 40 }), { minLength: 1, maxLength: 20 });

testProp(
  'resp reader: finds what the naive reader finds, when bytes come in chunks of whatever length',
  [input, chunking],
  (t, bytes, chunks) => {
    const naive = readNaively(bytes, LIMITS);
    for (const lengths of [chunks, [1], [bytes.length + 1]]) {
      const { commands, fault } = read(bytes, lengths);
      t.deepEqual(commands, naive.commands);
      t.is(fault !== '', naive.isBroken, fault);
    }
  },
  { numRuns: 400 },
);

testProp(
  'resp reader: only a fault, when bytes are random',
  [fc.uint8Array({ maxLength: 300 }), chunking],
  (t, bytes, chunks) => {
    const naive = readNaively(Buffer.from(bytes), LIMITS);
    const { commands, fault } = read(Buffer.from(bytes), chunks);
    t.deepEqual(commands, naive.commands);
    t.is(fault !== '', naive.isBroken);
  },
  { numRuns: 300 },
);

const refused = test.macro((t: ExecutionContext, bytes: string, fault: string) => {
  for (const chunk of [1, 1_000]) t.deepEqual(read(Buffer.from(bytes), [chunk]), { commands: [], fault: `Protocol error: ${fault}` });
});
test('resp reader: refused, when an array has too many elements', refused, '*9\r\n', 'invalid multibulk length: expected 0 to 8');
test('resp reader: refused, when the count is no number', refused, '*a\r\n', 'invalid multibulk length: expected 0 to 8');
test('resp reader: refused, when the count goes on and on', refused, `*${'1'.repeat(40)}`, 'invalid multibulk length: expected 0 to 8');
test('resp reader: refused, when an argument is too long', refused, '*1\r\n$201\r\n', 'invalid bulk length: expected 0 to 200');
test('resp reader: refused, when a length is negative', refused, '*1\r\n$-1\r\n', 'invalid bulk length: expected 0 to 200');
test('resp reader: refused, when an element is no bulk string', refused, '*1\r\n:5\r\n', "expected '$', got ':'");
test(
  'resp reader: refused, when an argument is longer than it says',
  refused,
  '*1\r\n$1\r\nabc\r\n',
  'expected CR LF after 1 bytes of an argument',
);
test('resp reader: refused, when quotes are unbalanced', refused, 'GET "a\r\n', 'unbalanced quotes in request');
test('resp reader: refused, when an inline command is too long', (t) => {
  const { fault } = read(Buffer.alloc(70_000, 'x'), [1_000]);
  t.is(fault, 'Protocol error: too big inline request: expected at most 65536 bytes');
});
test('resp reader: refused, when all arguments together are too long', (t) => {
  const limits = { argumentsMax: 100, bulkBytesMax: 200, commandBytesMax: 1_000 };
  const { fault } = read(encode(new Array<string>(20).fill('x'.repeat(100))), [64], [], limits);
  t.is(fault, 'Protocol error: command too long: expected at most 1000 bytes');
});

test('resp reader: memory follows what has come, when much is announced', (t) => {
  const reader = new RespReader({ argumentsMax: 1_000_000, bulkBytesMax: 1 << 30, commandBytesMax: 1 << 30 });
  const bytes = Buffer.from(`*1000000\r\n$${1 << 29}\r\nabc`);
  reader.feed(bytes, 0, 10);
  t.is(reader.next(), MORE);
  reader.feed(bytes, 10, bytes.length);
  t.is(reader.next(), MORE);
  t.true(reader.bytes.length < 10_000 && reader.offsets.length < 100);
});

test('resp reader: reads in place, when commands are whole', (t) => {
  const reader = new RespReader({ ...LIMITS });
  const bytes = encode(['SET', 'a', 'b'], ['GET', 'a']);
  reader.feed(bytes, 0, bytes.length);
  t.is(reader.next(), COMMAND);
  t.is(reader.bytes, bytes);
  t.is(reader.next(), COMMAND);
  t.is(reader.bytes, bytes);
  t.is(reader.next(), MORE);
  t.is(reader.bufferedBytes, 0);
});

const plantedBug = test.macro((t: ExecutionContext, mutant: string, bytes: Buffer, chunks: readonly number[]) => {
  const naive = readNaively(bytes, LIMITS);
  const isRight = ({ commands, fault }: Read): boolean =>
    JSON.stringify(commands) === JSON.stringify(naive.commands) && (fault !== '') === naive.isBroken;
  t.true(isRight(read(bytes, chunks)));
  t.false(isRight(read(bytes, chunks, [mutant])));
});
test(
  'resp reader: the planted bug lengthNotChecked is found, when an argument is too long',
  plantedBug,
  'lengthNotChecked',
  encode(['x'.repeat(201)]),
  [9],
);
test(
  'resp reader: the planted bug staleOffsets is found, when a chunk ends within a command',
  plantedBug,
  'staleOffsets',
  encode(['PING'], ['SET', 'abc', 'def'], ['GET', 'abc']),
  [30, 8],
);
