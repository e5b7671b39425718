/** SessionKit: sessions over a fake store, without a connection: commands in, replies out as text. */

import { RequestGate } from '../../../actors/resp/request-gate.ts';
import { RespSession } from '../../../actors/resp/resp-session.ts';
import { RESP_DEFAULTS, type RespSettings } from '../../../actors/resp/resp-settings.ts';
import type { SessionHost } from '../../../actors/resp/session-host.ts';
import { KEYSPACE_DEFAULTS } from '../../../actors/ring/keyspace-defaults.ts';
import type { Operation, OperationOutcome } from '../../../actors/ring/operation.ts';
import type { Keyspace } from '../../../actors/ring/ring-state.ts';
import type { StoreDoor } from '../../../actors/store/store-door.ts';
import { StoreRequest } from '../../../actors/store/store-request.ts';
import { ContextSeal } from '../../../actors/version/causal-context.ts';
import { OutBuffer } from '../../../runtime/bytes.ts';
import { SeededRandom } from '../../../runtime/random.ts';
import { FakeStore } from './fake-store.ts';

export function keyspaceOf(id: number, name: string, fields: Partial<Keyspace> = {}): Keyspace {
  return { ...KEYSPACE_DEFAULTS, ...fields, id, name };
}

/** In which nothing happens by itself. */
export function quietHost(store: StoreDoor, more: Partial<SessionHost> = {}): SessionHost {
  const { settings = RESP_DEFAULTS } = more;
  return {
    settings,
    gate: new RequestGate(store, settings.requestsMax, (session) => more.wake?.(session)),
    request: new StoreRequest(),
    seal: new ContextSeal(Buffer.alloc(16, 5)),
    stats: { connections: 0, connectionsRefused: 0, commands: 0, errors: 0, bytesIn: 0, bytesOut: 0 },
    scratch: new OutBuffer(1_024, 1 << 24),
    random: new SeededRandom('session'),
    node: 'n1',
    startedAtMs: 0,
    nowMs: () => 0,
    wallMs: () => 1_764_000_000_000,
    keyspaces: () => [],
    ringChanges: () => 0,
    isLoading: () => false,
    sessions: () => [],
    wake: () => {},
    touch: () => {},
    propose: () => {},
    ...more,
  };
}

export class SessionKit {
  readonly store = new FakeStore();
  readonly host: SessionHost;
  keyspaces: Keyspace[] = [keyspaceOf(1, 'default'), keyspaceOf(2, 'strict', { mode: 'cp' })];
  ringChanges = 0;
  isLoading = false;
  now = 0;
  readonly proposals: { readonly operation: Operation; readonly decided: (outcome: OperationOutcome) => void }[] = [];
  readonly #sessions: RespSession[] = [];
  readonly #mutants: ReadonlySet<string>;
  #woken: RespSession[] = [];

  constructor(settings: Partial<RespSettings> = {}, mutants: readonly string[] = []) {
    this.#mutants = new Set(mutants);
    this.host = quietHost(this.store, {
      settings: { ...RESP_DEFAULTS, ...settings },
      gate: new RequestGate(this.store, { ...RESP_DEFAULTS, ...settings }.requestsMax, (session) => this.#wake(session), this.store.scans),
      nowMs: () => this.now,
      wallMs: () => this.store.wallMs,
      keyspaces: () => this.keyspaces,
      ringChanges: () => this.ringChanges,
      isLoading: () => this.isLoading,
      sessions: () => this.#sessions,
      wake: (session) => this.#wake(session),
      propose: (operation, decided) => this.proposals.push({ operation, decided }),
    });
  }

  #wake(session: RespSession): void {
    if (session.isWoken) return;
    session.isWoken = true;
    this.#woken.push(session);
  }

  connect(): Client {
    const session = new RespSession(this.#sessions.length + 1, this.host, this.#mutants);
    this.#sessions.push(session);
    return new Client(this, session);
  }

  /** Lets everything happen that was put off. */
  settle(): void {
    while (this.#woken.length > 0 || this.store.answerScans()) {
      const woken = this.#woken;
      this.#woken = [];
      for (const session of woken) {
        session.isWoken = false;
        session.run();
      }
    }
  }
}

export class Client {
  readonly session: RespSession;
  readonly #kit: SessionKit;

  constructor(kit: SessionKit, session: RespSession) {
    this.#kit = kit;
    this.session = session;
  }

  /** Commands as arrays of bulk strings; returns what has been answered since. */
  send(...commands: readonly (readonly (string | Buffer)[])[]): string {
    return this.raw(encode(...commands));
  }

  /** One command, words between spaces. */
  do(line: string): string {
    return this.send(line.split(' '));
  }

  raw(bytes: string | Buffer, chunkBytes = Number.POSITIVE_INFINITY): string {
    const all = Buffer.from(bytes);
    for (let at = 0; at < all.length; at += chunkBytes) {
      const chunk = Buffer.from(all.subarray(at, at + chunkBytes));
      this.session.feed(chunk, 0, chunk.length);
      this.session.run();
      this.#kit.settle();
    }
    return this.take();
  }

  /** What has been answered and not been taken. Taking it may let more be answered. */
  take(): string {
    const { out } = this.session;
    let text = '';
    while (out.length > 0) {
      text += out.bytes.toString('latin1', 0, out.length);
      out.clear();
      this.session.run();
      this.#kit.settle();
    }
    return text;
  }
}

export function encode(...commands: readonly (readonly (string | Buffer)[])[]): Buffer {
  return Buffer.concat(
    commands.flatMap((words) => [
      Buffer.from(`*${words.length}\r\n`),
      ...words.flatMap((word) => [Buffer.from(`$${Buffer.byteLength(word)}\r\n`), Buffer.from(word), Buffer.from('\r\n')]),
    ]),
  );
}

/** A reply as bulk string. */
export function bulk(text: string): string {
  return `$${Buffer.byteLength(text)}\r\n${text}\r\n`;
}
