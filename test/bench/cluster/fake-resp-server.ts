/** A RESP server with GET, SET and WAIT over a Map, which gives wrong answers on demand. */
import { createServer, type Server, type Socket } from 'node:net';

/** What it does wrong, to one GET or SET in `every`. */
export type Fault = 'none' | 'flippedByte' | 'otherKey' | 'lost' | 'old' | 'refused' | 'closes';

export interface FakeOptions {
  readonly fault?: Fault;
  readonly every?: number;
  /** How many come before. */
  readonly after?: number;
  /** Answers leave in pieces of so many bytes. */
  readonly chunkBytes?: number;
  /** What WAIT answers. */
  readonly replicas?: number;
}

export class FakeRespServer {
  readonly #options: Required<FakeOptions>;
  readonly #server: Server;
  readonly #sockets = new Set<Socket>();
  readonly #values = new Map<string, readonly Buffer[]>();
  #asked = 0;
  /** How often the fault was done. */
  faults = 0;

  constructor(options: FakeOptions = {}) {
    this.#options = { fault: 'none', every: 50, after: 0, chunkBytes: Number.POSITIVE_INFINITY, replicas: 1, ...options };
    this.#server = createServer({ noDelay: true }, (socket) => this.#serve(socket));
  }

  /** Resolves with its port. */
  listen(): Promise<number> {
    return new Promise((resolve) => {
      this.#server.listen(0, '127.0.0.1', () => resolve((this.#server.address() as { port: number }).port));
    });
  }

  close(): Promise<void> {
    for (const socket of this.#sockets) socket.destroy();
    return new Promise((resolve) => {
      this.#server.close(() => resolve());
    });
  }

  #serve(socket: Socket): void {
    this.#sockets.add(socket);
    let rest = Buffer.alloc(0);
    socket.on('error', () => socket.destroy());
    socket.on('close', () => this.#sockets.delete(socket));
    socket.on('data', (part) => {
      const { commands, used } = commandsIn(Buffer.concat([rest, Buffer.from(part)]));
      rest = Buffer.concat([rest, Buffer.from(part)]).subarray(used);
      const before = this.faults;
      const answer = Buffer.concat(commands.map((words) => this.#answer(words)));
      if (this.faults > before && this.#options.fault === 'closes') return void socket.destroy();
      const { chunkBytes } = this.#options;
      for (let at = 0; at < answer.length; at += chunkBytes) socket.write(answer.subarray(at, Math.min(answer.length, at + chunkBytes)));
    });
  }

  #answer([name, key, value]: readonly Buffer[]): Buffer {
    const command = name!.toString('latin1');
    if (command === 'WAIT') return Buffer.from(`:${this.#options.replicas}\r\n`);
    if (command === 'KEYSPACE') return Buffer.from('+OK\r\n');
    const id = key!.toString('latin1');
    const { fault, every, after } = this.#options;
    const isFaulty = fault !== 'none' && ++this.#asked > after && this.#asked % every === 0;
    if (isFaulty && (fault === 'refused' || fault === 'closes')) {
      this.faults++;
      return Buffer.from('-TRYAGAIN planted\r\n');
    }
    if (command === 'SET') {
      this.#values.set(id, [...(this.#values.get(id) ?? []).slice(-3), Buffer.from(value!)]);
      return Buffer.from('+OK\r\n');
    }
    const all = this.#values.get(id) ?? [];
    const found = isFaulty ? this.#spoilt(all, fault) : all.at(-1);
    return found === undefined ? Buffer.from('$-1\r\n') : Buffer.concat([Buffer.from(`$${found.length}\r\n`), found, Buffer.from('\r\n')]);
  }

  #spoilt(all: readonly Buffer[], fault: Fault): Buffer | undefined {
    const last = all.at(-1);
    if (fault === 'old' && all.length < 2) return last;
    this.faults++;
    if (fault === 'lost' || last === undefined) return undefined;
    if (fault === 'old') return all[0];
    if (fault === 'otherKey') return [...this.#values.values()].find((values) => values !== all)?.at(-1);
    const flipped = Buffer.from(last);
    flipped[flipped.length - 1]! ^= 1;
    return flipped;
  }
}

function commandsIn(bytes: Buffer): { readonly commands: readonly (readonly Buffer[])[]; readonly used: number } {
  const commands: Buffer[][] = [];
  let used = 0;
  for (;;) {
    const head = numberAfter(bytes, used, '*');
    if (head === undefined) return { commands, used };
    const words: Buffer[] = [];
    let at = head.end;
    for (let i = 0; i < head.number; i++) {
      const word = numberAfter(bytes, at, '$');
      if (word === undefined || word.end + word.number + 2 > bytes.length) return { commands, used };
      words.push(bytes.subarray(word.end, word.end + word.number));
      at = word.end + word.number + 2;
    }
    commands.push(words);
    used = at;
  }
}

function numberAfter(bytes: Buffer, at: number, mark: string): { readonly number: number; readonly end: number } | undefined {
  const lineEnd = bytes.indexOf('\r\n', at);
  if (lineEnd < 0) return undefined;
  const line = bytes.toString('latin1', at, lineEnd);
  if (!line.startsWith(mark)) throw new Error(`fake server: expected ${mark}, got ${line}`);
  return { number: Number(line.slice(1)), end: lineEnd + 2 };
}
