/** Where to reach a node, as people write it. */

export interface HostAndPort {
  readonly host: string;
  readonly port: number;
}

/** `host:port` or `[v6]:port`; null when it is neither. Port 0 is none. */
export function parseHostAndPort(value: string): HostAndPort | null {
  const match = /^(?:\[([0-9a-fA-F:.]+)\]|([^:[\]\s]+)):([0-9]{1,5})$/.exec(value);
  const port = Number(match?.[3]);
  if (match === null || port < 1 || port > 65_535) return null;
  return { host: (match[1] ?? match[2])!, port };
}
