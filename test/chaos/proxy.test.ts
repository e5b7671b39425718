import { once } from 'node:events';
import { createServer, connect as dial, type Socket } from 'node:net';
import test, { type ExecutionContext } from 'ava';
import { SeededRandom } from '../../runtime/random.ts';
import { encodeHello } from '../../runtime/wire/handshake.ts';
import { encodeWho } from '../../runtime/wire/who.ts';
import { Links } from './link.ts';
import { FaultProxy, STRANGER } from './proxy.ts';

const HOST = '127.0.0.1';
const HELLO = encodeHello({
  ...{ cluster: 'c', node: 'n1.0123456789abcdef', shard: 0, boot: 5, laneClass: 0, expectedNode: 'n2.0', expectedShard: 0 },
  ...{ maxFrameBytes: 1024, attempt: 1 },
});

/** All that has come at a socket, and waits for more. */
class Received {
  readonly #socket: Socket;
  bytes = Buffer.alloc(0);
  isReset = false;

  constructor(socket: Socket) {
    this.#socket = socket;
    socket.on('data', (chunk: Buffer) => {
      this.bytes = Buffer.concat([this.bytes, chunk]);
    });
    socket.on('error', () => {
      this.isReset = true;
    });
  }

  async untilLength(length: number): Promise<string> {
    while (this.bytes.length < length) await once(this.#socket, 'data');
    return this.bytes.toString('latin1');
  }

  async untilClosed(): Promise<void> {
    // A reset behind bytes may look like an end.
    this.#socket.on('end', () => this.#socket.end());
    // Not `once`: it fails at an error, which is what is waited for.
    if (!this.#socket.closed) await new Promise((resolve) => this.#socket.on('close', resolve));
  }
}

/** Resolves when the loop has turned so often that it is so. */
async function shown(isSo: () => boolean): Promise<void> {
  while (!isSo()) await new Promise(setImmediate);
}

interface Pair {
  readonly links: Links;
  readonly dialler: Socket;
  readonly atDialler: Received;
  readonly listener: Socket;
  readonly atListener: Received;
}

/** A connection through a proxy in front of n2, whose first bytes are `first`, and have arrived. */
async function pairOf(t: ExecutionContext, first: Buffer): Promise<Pair> {
  const links = new Links();
  const server = createServer({ allowHalfOpen: true });
  server.listen(0, HOST);
  await once(server, 'listening');
  t.teardown(() => server.close());
  const { port } = server.address() as { readonly port: number };
  const proxy = await FaultProxy.start(
    [{ node: 'n2', listen: { host: HOST, port: 0 }, target: { host: HOST, port } }],
    links,
    new SeededRandom(1),
  );
  t.teardown(() => proxy.stop());
  const dialler = dial({ host: HOST, port: proxy.ports[0]!, allowHalfOpen: true });
  const accepted = once(server, 'connection') as Promise<[Socket]>;
  dialler.write(first);
  const [listener] = await accepted;
  for (const socket of [dialler, listener]) t.teardown(() => socket.destroy());
  const pair = { links, dialler, atDialler: new Received(dialler), listener, atListener: new Received(listener) };
  await pair.atListener.untilLength(first.length);
  return pair;
}

test('proxy: bytes and ends pass both ways, when no link has a fault', async (t) => {
  const { dialler, listener, atDialler, atListener } = await pairOf(t, HELLO);
  listener.write('welcome');
  t.is(await atDialler.untilLength(7), 'welcome');
  dialler.end('bye');
  t.is((await atListener.untilLength(HELLO.length + 3)).slice(HELLO.length), 'bye');
  listener.end();
  await atDialler.untilClosed();
  t.false(atDialler.isReset);
});

test('proxy: only the one direction is silent, and the connection is reset at the end, when a link is cut one way', async (t) => {
  const { links, dialler, listener, atDialler, atListener } = await pairOf(t, HELLO);
  links.set('n1', 'n2', { isCut: true });
  dialler.write('lost');
  listener.write('heard');
  t.is(await atDialler.untilLength(5), 'heard');
  t.is(atListener.bytes.length, HELLO.length);
  await shown(() => links.of('n1', 'n2').lostBytes === 4);
  links.heal();
  await Promise.all([atDialler.untilClosed(), atListener.untilClosed()]);
  t.true(atListener.isReset);
  t.is(atListener.bytes.length, HELLO.length);
});

test('proxy: what waited arrives, when a stalled link goes on', async (t) => {
  const { links, dialler, listener, atDialler, atListener } = await pairOf(t, HELLO);
  links.set('n1', 'n2', { isStalled: true });
  dialler.write('late');
  listener.write('heard');
  await atDialler.untilLength(5);
  t.is(atListener.bytes.length, HELLO.length);
  links.heal();
  t.is((await atListener.untilLength(HELLO.length + 4)).slice(HELLO.length), 'late');
});

test('proxy: the connection is over at both ends behind so many bytes, when one is due at a byte', async (t) => {
  const { links, dialler, atDialler, atListener } = await pairOf(t, HELLO);
  links.resetAfter('n1', 'n2', 6);
  dialler.write('abcdefghij');
  await Promise.all([atDialler.untilClosed(), atListener.untilClosed()]);
  t.true('abcdef'.startsWith(atListener.bytes.subarray(HELLO.length).toString()));
});

for (const [what, first] of [
  ['that asks who is there', encodeWho()],
  ['of another protocol', Buffer.from('PING\r\nPING\r\n')],
] as const)
  test(`proxy: a dialler is a stranger, when its first frame is one ${what}`, async (t) => {
    const { links, dialler, listener, atDialler, atListener } = await pairOf(t, first);
    links.set('n1', 'n2', { isStalled: true });
    dialler.write('more');
    await atListener.untilLength(first.length + 4);
    links.set('n2', STRANGER, { isStalled: true });
    listener.write('answer');
    links.set('n2', STRANGER, { isStalled: false });
    t.is(await atDialler.untilLength(6), 'answer');
  });

test('proxy: the connection is reset, when nobody listens behind it', async (t) => {
  const server = createServer();
  server.listen(0, HOST);
  await once(server, 'listening');
  const { port } = server.address() as { readonly port: number };
  server.close();
  await once(server, 'close');
  const route = { node: 'n2', listen: { host: HOST, port: 0 }, target: { host: HOST, port } };
  const proxy = await FaultProxy.start([route], new Links(), new SeededRandom(1));
  t.teardown(() => proxy.stop());
  const dialler = dial(proxy.ports[0]!, HOST);
  const received = new Received(dialler);
  dialler.write(HELLO);
  await received.untilClosed();
  t.true(received.isReset);
});
