import test, { type ExecutionContext } from 'ava';
import { Encoder } from 'cbor-x';
import { MAIN_SHARD, SHARDS_MAX } from '../../../runtime/address.ts';
import { RuntimeError } from '../../../runtime/errors.ts';
import { SeededRandom } from '../../../runtime/random.ts';
import { FirstFrame, GREETING_BYTES_MAX } from '../../../runtime/wire/first-frame.ts';
import { FRAME_HEADER_BYTES, KIND_IAM, KIND_TELL, KIND_WHO } from '../../../runtime/wire/frame.ts';
import { encodeRefusal, isRefusal } from '../../../runtime/wire/handshake.ts';
import { probe } from '../../../runtime/wire/probe.ts';
import { checkWho, decodeIam, encodeIam, encodeWho, type Iam } from '../../../runtime/wire/who.ts';
import { mutate } from './mutations.ts';
import { RawPeer, smallFrame } from './raw-peer.ts';
import { FakeWorld, RealWorld, TestNode, type World } from './rig.ts';

const SAID = { cluster: 'test', node: 'b', shard: MAIN_SHARD, boot: 7 };
const IAM = { ...SAID, address: { node: 'b', host: '10.0.0.2', ports: [7000, 7001] } };
const ITEMS: readonly unknown[] = [1, 1, 'test', 'b', 0xffff, 0, 7, '10.0.0.2', [7000, 7001]];

/** `frame` with another payload. */
function withPayload(frame: Buffer, items: unknown): Buffer {
  const whole = Buffer.concat([frame.subarray(0, FRAME_HEADER_BYTES), new Encoder({ useRecords: false }).encode(items)]);
  whole.writeUInt32BE(whole.length - 4);
  return whole;
}

async function ask(world: World, port: number, timeoutMs = 5000): Promise<Iam | Error> {
  let result: Iam | Error | null = null;
  let count = 0;
  probe({ network: world.network(), tasks: world.tasks, host: '127.0.0.1', port, timeoutMs }, (found) => {
    result = found;
    count++;
  });
  await world.until(() => result !== null, 'an answer to WHO');
  if (count !== 1) throw new Error(`${count} answers`);
  return result as unknown as Iam | Error;
}

function named(node: TestNode): TestNode {
  node.transport.introduce({ node: node.place.node, host: '127.0.0.1', ports: [node.port, 9] });
  return node;
}

test('who: WHO and IAM are frames of their own kinds, and come back as they were', (t) => {
  t.is(encodeWho()[7], KIND_WHO);
  t.notThrows(() => checkWho(encodeWho()));
  t.is(encodeIam(IAM)[7], KIND_IAM);
  t.deepEqual(decodeIam(encodeIam(IAM)), { ...IAM, versionMin: 1, versionMax: 1 });
  t.deepEqual(encodeIam(IAM), withPayload(encodeIam(IAM), ITEMS));
  t.like(decodeIam(encodeRefusal('NOT_READY', 'soon')), { code: 'NOT_READY', reason: '"soon"' });
});

test('who: the longest answer fits the frame that may come before a handshake', (t) => {
  const ports = Array.from({ length: SHARDS_MAX + 1 }, () => 65_535);
  const node = 'n'.repeat(64);
  const long = { ...SAID, node, cluster: 'c'.repeat(128), boot: Number.MAX_SAFE_INTEGER, address: { node, host: 'h'.repeat(255), ports } };
  t.true(encodeIam(long).length < GREETING_BYTES_MAX / 2);
  t.like(decodeIam(encodeIam(long)), long);
});

test('who: fields that a later version has appended are left alone', (t) => {
  t.notThrows(() => checkWho(withPayload(encodeWho(), [1, 4, 'more'])));
  t.like(decodeIam(withPayload(encodeIam(IAM), [2, 4, ...ITEMS.slice(2), 'more'])), { versionMin: 2, versionMax: 4, node: 'b' });
});

for (const [index, value, message] of [
  [0, 'one', /versionMin is .*expected an unsigned integer/],
  [2, 5, /cluster is .*expected text/],
  [3, 'a/b', /node name: expected 1 to 64/],
  [4, 300, /shard is "300"/],
  [5, 0x20_0000, /boot is/],
  [7, 'h'.repeat(256), /host is .*at most 255/],
  [7, 'a\nb', /host is .*printable/],
  [8, [], /ports are object, expected 1 to 257/],
  [8, [0], /port is "0", expected 1 to 65535/],
  [8, 7000, /ports are "7000"/],
] as const) {
  test(`who: an IAM is an error, when its field ${index} is ${JSON.stringify(value).slice(0, 20)}`, (t) => {
    const items = [...ITEMS];
    items[index] = value;
    const error = t.throws(() => decodeIam(withPayload(encodeIam(IAM), items)), { instanceOf: RuntimeError });
    t.is(error.code, 'PROTOCOL');
    t.regex(error.message, message);
  });
}

test('who: mutated frames are answers or errors of the protocol, never anything else', (t) => {
  const random = new SeededRandom('who');
  const iam = encodeIam(IAM);
  let answers = 0;
  let errors = 0;
  for (let i = 0; i < 20_000; i++) {
    const bytes = mutate(random, iam, encodeWho());
    try {
      const first = new FirstFrame();
      if (first.push(bytes, 0, bytes.length) < 0) continue;
      const said = decodeIam(first.frame);
      answers++;
      if (!isRefusal(said)) t.true(said.address.ports.every((port) => port > 0 && port < 65_536));
    } catch (error) {
      if (!(error instanceof RuntimeError && error.code === 'PROTOCOL')) throw error;
      errors++;
    }
  }
  t.true(answers > 100 && errors > 1000, `${answers} ${errors}`);
});

for (const [kind, make] of [
  ['fake', (t: ExecutionContext): World => new FakeWorld(t)],
  ['real', (t: ExecutionContext): World => new RealWorld(t)],
] as const) {
  test(`probe: a node says cluster, boot and where its threads listen, over ${kind} sockets`, async (t) => {
    const world = make(t);
    const b = named(await TestNode.start(world, { node: 'b', shard: MAIN_SHARD, boot: 7 }));
    t.deepEqual(await ask(world, b.port), {
      ...SAID,
      versionMin: 1,
      versionMax: 1,
      address: { node: 'b', host: '127.0.0.1', ports: [b.port, 9] },
    });
    t.deepEqual(b.events.ups, []);
    t.deepEqual(b.log.lines, []);
    await b.close(world);
    const gone = await ask(world, b.port);
    t.true(gone instanceof Error);
    t.regex(String(gone), new RegExp(`127\\.0\\.0\\.1:${b.port}: `));
  });
}

test('probe: a thread that does not know its address yet refuses', async (t) => {
  const world = new FakeWorld(t);
  const b = await TestNode.start(world, { node: 'b' });
  t.regex(String(await ask(world, b.port)), /refused: NOT_READY/);
});

test('probe: whoever says nothing, or nothing sensible, is given up', async (t) => {
  const world = new FakeWorld(t);
  for (const [answer, expected] of [
    [null, /no handshake within 300 ms/],
    [Buffer.from('HTTP/1.1 400 Bad Request\r\n\r\n'), /expected a handshake frame/],
    [smallFrame(KIND_TELL), /answer of kind 1, expected IAM/],
    [Buffer.concat([encodeIam(IAM), Buffer.alloc(100_000)]), /^$/],
  ] as const) {
    let port = 0;
    world.network().listen(
      '127.0.0.1',
      0,
      (stream) => {
        stream.handler = {
          onConnect() {},
          onData: () => answer !== null && stream.write(answer, 0, answer.length),
          onDrain() {},
          onClose() {},
        };
      },
      (listener) => {
        port = (listener as { readonly port: number }).port;
      },
    );
    world.clock.runFor(1);
    const result = await ask(world, port, 300);
    t.regex(result instanceof Error ? result.message : '', expected);
  }
});

test('reception: WHO is answered once, and what comes behind it is refused', async (t) => {
  const world = new FakeWorld(t);
  const b = named(await TestNode.start(world, { node: 'b' }));
  const early = await RawPeer.dial(world, b);
  early.send(Buffer.concat([encodeWho(), encodeWho()]));
  await world.until(() => early.closed !== null, 'close');
  t.is(early.refusal(), 'SHAPE');
  const broken = await RawPeer.dial(world, b);
  broken.send(withPayload(encodeWho(), ['one']));
  await world.until(() => broken.closed !== null, 'close');
  t.deepEqual(broken.kinds(), []);
  const silent = await RawPeer.dial(world, b);
  silent.stream.pause();
  silent.send(encodeWho());
  world.clock.runFor(10_000);
  await b.close(world);
  t.false(world.clock.step(Number.MAX_SAFE_INTEGER));
});
