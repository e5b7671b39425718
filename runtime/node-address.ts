/** Where a node listens: what one node has to know of another to reach it. */
import { checkNodeName, SHARDS_MAX } from './address.ts';
import { invalidArgument } from './errors.ts';

export interface NodeAddress {
  readonly node: string;
  readonly host: string;
  /** Port of the main thread, then of shard 0, 1, ... 0, as a transport may be told: that thread does not listen. */
  readonly ports: readonly number[];
}

const TEXT = /^([^@]+)@(\[[0-9a-fA-F:.]+\]|[^:[\]]+):([0-9,]+)$/;

/** `name@host:port[,port...]`: main thread first, then the shards. Errors: INVALID_ARGUMENT. */
export function parseNodeAddress(text: string): NodeAddress {
  const match = TEXT.exec(text);
  if (match === null) throw invalidArgument(`node address: expected name@host:port[,port...], got ${JSON.stringify(text)}`);
  const [, node, host, ports] = match as unknown as [string, string, string, string];
  return checkNodeAddress({ node, host: host.replace(/^\[|\]$/g, ''), ports: ports.split(',').map(Number) });
}

export function formatNodeAddress({ node, host, ports }: NodeAddress): string {
  return `${node}@${host.includes(':') ? `[${host}]` : host}:${ports.join(',')}`;
}

export function checkNodeAddress(address: NodeAddress): NodeAddress {
  checkNodeName(address.node);
  if (typeof address.host !== 'string' || address.host === '')
    throw invalidArgument(`node ${address.node}: expected a host, got ${String(address.host)}`);
  if (address.ports.length < 1 || address.ports.length > SHARDS_MAX + 1) {
    throw invalidArgument(`node ${address.node}: expected 1 to ${SHARDS_MAX + 1} ports, got ${address.ports.length}`);
  }
  for (const port of address.ports) {
    if (!(Number.isInteger(port) && port > 0 && port < 65_536))
      throw invalidArgument(`node ${address.node}: expected ports from 1 to 65535, got ${port}`);
  }
  return address;
}

export function sameNodeAddress(a: NodeAddress, b: NodeAddress): boolean {
  return a.node === b.node && a.host === b.host && a.ports.length === b.ports.length && a.ports.every((port, i) => port === b.ports[i]);
}
