/**
 * etcd through the JSON gateway of its v3 interface, a call at a time on each of some HTTP connections that stay open. gRPC would cost less on both sides: what
 * is measured is etcd as an HTTP client reaches it.
 */
import { Agent, request } from 'node:http';
import type { Channel, ChannelSink } from './channel.ts';
import type { Operation } from './operation.ts';
import { keyText, type ValueFormat } from './pair-format.ts';

interface KeyValue {
  readonly key: string;
  readonly value?: string;
}

interface RangeAnswer {
  readonly kvs?: readonly KeyValue[];
}

/** As a range's end: all keys from its beginning on. */
const TO_THE_END = Buffer.from([0]).toString('base64');

export class EtcdChannel implements Channel {
  readonly lanes: number;
  readonly #ports: readonly number[];
  readonly #agent: Agent;
  readonly #format: ValueFormat;
  readonly #value: Buffer;
  readonly #sink: ChannelSink;

  constructor(ports: readonly number[], connections: number, format: ValueFormat, sink: ChannelSink) {
    this.lanes = connections;
    this.#ports = ports;
    this.#agent = new Agent({ keepAlive: true, maxSockets: Math.ceil(connections / ports.length), maxFreeSockets: connections });
    this.#format = format;
    this.#value = Buffer.alloc(format.bytes);
    this.#sink = sink;
  }

  begin(operation: Operation): void {
    const { step, key, stamp, rowsMax } = operation;
    const name = base64(keyText(key));
    if (step === 'put') {
      this.#format.write(this.#value, 0, key, stamp);
      return this.#call(operation, 'put', { key: name, value: this.#value.toString('base64') });
    }
    this.#call(operation, 'range', step === 'get' ? { key: name } : { key: name, range_end: TO_THE_END, limit: rowsMax });
  }

  flush(): void {}

  close(): Promise<void> {
    this.#agent.destroy();
    return Promise.resolve();
  }

  #call(operation: Operation, method: string, body: unknown): void {
    const text = JSON.stringify(body);
    const port = this.#ports[operation.lane % this.#ports.length]!;
    const fail = (error: Error): void => this.#sink.ended(operation, error.message);
    const headers = { 'content-type': 'application/json', 'content-length': Buffer.byteLength(text) };
    const call = request({ host: '127.0.0.1', port, path: `/v3/kv/${method}`, method: 'POST', agent: this.#agent, headers }, (response) => {
      const parts: Buffer[] = [];
      response.on('data', (part: Buffer) => parts.push(part));
      response.on('error', fail);
      response.on('end', () => {
        const answer = Buffer.concat(parts).toString('utf8');
        if (response.statusCode !== 200) return this.#sink.ended(operation, `status ${response.statusCode}: ${answer}`);
        if (operation.step !== 'put') this.#found(operation, JSON.parse(answer) as RangeAnswer);
        this.#sink.ended(operation, undefined);
      });
    });
    call.on('error', fail);
    call.end(text);
  }

  #found(operation: Operation, { kvs = [] }: RangeAnswer): void {
    if (kvs.length === 0 && operation.step === 'get') return this.#sink.found(operation, operation.key, undefined, 0, 0);
    for (const { key, value = '' } of kvs) {
      const bytes = Buffer.from(value, 'base64');
      this.#sink.found(operation, Number(Buffer.from(key, 'base64').toString('latin1')), bytes, 0, bytes.length);
    }
  }
}

function base64(text: string): string {
  return Buffer.from(text, 'latin1').toString('base64');
}
