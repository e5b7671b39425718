import test from 'ava';
import { OutBuffer } from '../../../runtime/bytes.ts';
import { REQUEST } from '../../../runtime/lanes.ts';
import { Connection, type ConnectionOwner } from '../../../runtime/wire/connection.ts';
import {
  beginFrame,
  endFrame,
  KIND_BYTES,
  KIND_GOODBYE,
  KIND_HELLO,
  KIND_PING,
  KIND_SIGNAL,
  KIND_TELL,
  NO_DEADLINE,
  protocolError,
} from '../../../runtime/wire/frame.ts';
import { encodeHello } from '../../../runtime/wire/handshake.ts';
import type { ByteStream, StreamHandler } from '../../../runtime/wire/network.ts';
import { ManualClock } from './fake-network.ts';

const NULL_ITEM = 0xf6;
const PING = frame(KIND_PING);

function frame(kind: number, id = 0): Buffer {
  const out = new OutBuffer(36, 36);
  const at = beginFrame(out, kind, REQUEST, 0, 1, 1, 0, 0, NO_DEADLINE, id);
  out.view.setUint8(out.length++, NULL_ITEM);
  endFrame(out, at);
  return out.bytes;
}

class StubStream implements ByteStream {
  handler!: StreamHandler;
  readonly calls: string[] = [];
  /** What `write` answers. */
  takes = true;

  write(bytes: Buffer, start: number, end: number): boolean {
    this.calls.push(`write ${end - start} of kind ${bytes[start + 7]}`);
    return this.takes;
  }
  pause(): void {
    this.calls.push('pause');
  }
  resume(): void {
    this.calls.push('resume');
  }
  end(): void {
    this.calls.push('end');
  }
  destroy(reason: string): void {
    this.calls.push(`destroy: ${reason}`);
  }
}

/** Keeps what it is told; frames as `first..last`, by request id. */
class StubOwner implements ConnectionOwner {
  readonly told: string[] = [];
  readonly runs: [number, number][] = [];
  onRun: (connection: Connection) => void = () => {};

  onConnected(): void {
    this.told.push('connected');
  }
  onGreeting(connection: Connection, greeting: Buffer, more: boolean): void {
    this.told.push(`greeting ${greeting.length}${more ? ' and more' : ''}`);
    connection.open(4096);
  }
  onFrames(connection: Connection, buffer: Buffer, start: number, end: number): void {
    this.runs.push([buffer.readUInt32BE(start + 31), buffer.readUInt32BE(end - 36 + 31)]);
    this.onRun(connection);
  }
  onGoodbye(connection: Connection): void {
    this.told.push('goodbye');
    connection.end(null, 1000);
  }
  onDrained(): void {
    this.told.push('drained');
  }
  onClosed(_: Connection, reason: string): void {
    this.told.push(`closed: ${reason}`);
  }
}

function setUp(isUp = true) {
  const clock = new ManualClock();
  const stream = new StubStream();
  const owner = new StubOwner();
  const released: Connection[] = [];
  const connection = new Connection(stream, owner, { tasks: clock.tasks, handshakeTimeoutMs: 5000, released: (c) => released.push(c) });
  if (isUp) connection.open(4096);
  const receive = (...frames: Buffer[]) => {
    const bytes = Buffer.concat(frames);
    connection.onData(bytes, 0, bytes.length);
  };
  return { clock, stream, owner, released, connection, receive };
}

test('connection: frames between actors go on in one run', (t) => {
  const { owner, receive } = setUp();
  receive(frame(KIND_TELL, 1), frame(KIND_BYTES, 2), frame(KIND_SIGNAL, 3));
  t.deepEqual(owner.runs, [[1, 3]]);
});

test('connection: frames about itself are taken out of the run', (t) => {
  const { owner, receive } = setUp();
  receive(PING, frame(KIND_TELL, 1), frame(KIND_TELL, 2), PING, PING, frame(KIND_TELL, 3), PING);
  t.deepEqual(owner.runs, [
    [1, 2],
    [3, 3],
  ]);
  t.deepEqual(owner.told, []);
});

test('connection: frames arrive whole, when every byte comes alone', (t) => {
  const { owner, receive } = setUp();
  for (const byte of Buffer.concat([frame(KIND_TELL, 1), PING, frame(KIND_TELL, 2)])) receive(Buffer.of(byte));
  t.deepEqual(owner.runs, [
    [1, 1],
    [2, 2],
  ]);
});

for (const kind of [0, 4, 15, KIND_HELLO, 20, 22, 255]) {
  test(`connection: a frame of kind ${kind} closes it, and the frames before it are delivered`, (t) => {
    const { owner, stream, receive } = setUp();
    receive(frame(KIND_TELL, 1), frame(kind, 2), frame(KIND_TELL, 3));
    t.deepEqual(owner.runs, [[1, 1]]);
    t.is(owner.told.length, 1);
    t.regex(owner.told[0] ?? '', new RegExp(`^closed: protocol broken: frame of kind ${kind}, expected 1 to 3`));
    t.regex(stream.calls.join(), /^destroy: protocol broken/);
  });
}

test('connection: a broken or oversized control frame closes it', (t) => {
  const bent = Buffer.from(PING);
  bent[4] = 0x83;
  const lane = Buffer.from(PING);
  lane[8] = 5;
  const long = Buffer.from(PING);
  long.writeUInt32BE(4096);
  const short = Buffer.from(PING);
  short.writeUInt32BE(31);
  for (const bad of [bent, lane, long, short]) {
    const { owner, receive } = setUp();
    receive(frame(KIND_TELL, 1), bad, frame(KIND_TELL, 3));
    t.deepEqual(owner.runs, [[1, 1]]);
    t.regex(owner.told.join(), /^closed: protocol broken: .*expected/);
  }
});

test('connection: a frame that its receiver finds broken closes it', (t) => {
  const { owner, receive } = setUp();
  owner.onRun = () => {
    throw protocolError('bad payload, expected better');
  };
  receive(frame(KIND_TELL, 1));
  receive(frame(KIND_TELL, 2));
  t.deepEqual(owner.told, ['closed: protocol broken: bad payload, expected better']);
  t.is(owner.runs.length, 1);
});

test('connection: a bug of the receiver is not taken for a fault of the peer', (t) => {
  const { owner, receive } = setUp();
  owner.onRun = () => {
    throw new TypeError('bug');
  };
  t.throws(() => receive(frame(KIND_TELL, 1)), { instanceOf: TypeError });
});

test('connection: nothing is delivered after it was closed, when the receiver closes it within a run', (t) => {
  const { owner, receive } = setUp();
  owner.onRun = (connection) => connection.close('enough');
  receive(frame(KIND_TELL, 1), PING, frame(KIND_TELL, 2));
  receive(frame(KIND_TELL, 3));
  t.deepEqual(owner.runs, [[1, 1]]);
  t.deepEqual(owner.told, []);
});

test('connection: the handshake frame goes to the owner, and what is behind it is read as frames once it is up', (t) => {
  const { owner, receive } = setUp(false);
  const hello = encodeHello({
    cluster: 'c',
    node: 'a',
    shard: 0,
    boot: 1,
    laneClass: 0,
    expectedNode: 'b',
    expectedShard: 0,
    maxFrameBytes: 4096,
    attempt: 1,
  });
  receive(hello, frame(KIND_TELL, 1));
  t.deepEqual(owner.told, [`greeting ${hello.length} and more`]);
  t.deepEqual(owner.runs, [[1, 1]]);
});

test('connection: it is closed, when the handshake is not done in time', (t) => {
  const { clock, owner, stream } = setUp(false);
  clock.runFor(4999);
  t.deepEqual(owner.told, []);
  clock.runFor(1);
  t.deepEqual(owner.told, ['closed: no handshake within 5000 ms']);
  t.deepEqual(stream.calls, ['destroy: no handshake within 5000 ms']);
});

test('connection: once up it has no deadline', (t) => {
  const { clock, owner } = setUp();
  clock.runFor(100_000);
  t.deepEqual(owner.told, []);
});

test('connection: a sweep pings, when nothing was written since the last one', (t) => {
  const { connection, stream } = setUp();
  connection.sweep(PING, 6);
  connection.sweep(PING, 6);
  connection.sweep(PING, 6);
  t.is(stream.calls.length, 2);
  const data = frame(KIND_TELL, 1);
  connection.write(data, 0, data.length);
  connection.sweep(PING, 6);
  t.deepEqual(stream.calls.slice(2), ['write 36 of kind 1']);
});

test('connection: it is given up after so many sweeps without input', (t) => {
  const { connection, owner, receive } = setUp();
  for (let i = 0; i < 5; i++) connection.sweep(PING, 6);
  receive(PING);
  for (let i = 0; i < 6; i++) connection.sweep(PING, 6);
  t.deepEqual(owner.told, []);
  connection.sweep(PING, 6);
  t.deepEqual(owner.told, ['closed: nothing heard from the peer for too long']);
});

test('connection: a peer is not judged silent while this side does not read, but it is still sent pings', (t) => {
  const { connection, owner, stream } = setUp();
  connection.pause();
  for (let i = 0; i < 100; i++) connection.sweep(PING, 6);
  t.deepEqual(owner.told, []);
  t.is(stream.calls.filter((call) => call === 'write 36 of kind 19').length, 50);
  connection.resume();
  for (let i = 0; i < 5; i++) connection.sweep(PING, 6);
  t.deepEqual(owner.told, []);
});

test('connection: a blocked stream gets no pings', (t) => {
  const { connection, stream, owner } = setUp();
  stream.takes = false;
  t.false(connection.write(PING, 0, PING.length));
  t.false(connection.writable);
  for (let i = 0; i < 5; i++) connection.sweep(PING, 6);
  t.is(stream.calls.length, 1);
  connection.onDrain();
  t.true(connection.writable);
  t.deepEqual(owner.told, ['drained']);
});

test('connection: ended, it still takes input but tells its owner nothing, and is destroyed in the end', (t) => {
  const { clock, connection, owner, stream, released, receive } = setUp();
  connection.pause();
  connection.end(PING, 2000);
  receive(frame(KIND_TELL, 1));
  receive(Buffer.from('neither is this looked at any more'));
  t.deepEqual(stream.calls, ['pause', 'write 36 of kind 19', 'resume', 'end']);
  clock.runFor(2000);
  t.deepEqual(stream.calls.at(-1), 'destroy: not closed by the peer within 2000 ms');
  connection.onClose('gone');
  t.deepEqual(owner.told, []);
  t.deepEqual(owner.runs, []);
  t.deepEqual(released, [connection]);
});

test('connection: the reason of its end tells of an unfinished frame', (t) => {
  const { connection, owner, receive, released } = setUp();
  receive(frame(KIND_TELL, 1), frame(KIND_TELL, 2).subarray(0, 10));
  connection.onClose('closed by the peer');
  t.deepEqual(owner.told, ['closed: closed by the peer, with 10 bytes of an unfinished frame']);
  t.deepEqual(released, [connection]);
});

test('connection: goodbye is the last thing its owner hears', (t) => {
  const { connection, owner, stream, receive } = setUp();
  receive(frame(KIND_TELL, 1), frame(KIND_GOODBYE), frame(KIND_TELL, 2));
  connection.onClose('closed by the peer');
  t.deepEqual(owner.told, ['goodbye']);
  t.deepEqual(owner.runs, [[1, 1]]);
  t.deepEqual(stream.calls, ['end']);
});
