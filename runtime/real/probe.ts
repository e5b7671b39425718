/** The probe of wire/probe.ts over real sockets, at all addresses that a host name has. */
import { lookup } from 'node:dns/promises';
import type { Log } from '../doors.ts';
import { errorMessage } from '../errors.ts';
import type { Tasks } from '../link.ts';
import { probe } from '../wire/probe.ts';
import type { Iam } from '../wire/who.ts';
import { realClock } from './clock.ts';
import { TcpNetwork } from './tcp-network.ts';

/** What one address said. */
export type Probed =
  | { readonly ok: true; readonly host: string; readonly port: number; readonly iam: Iam }
  | { readonly ok: false; readonly host: string; readonly port: number; readonly message: string };

const SILENT: Log = { debug() {}, info() {}, warn() {}, error() {}, child: () => SILENT };

/** Asks all addresses of `host` at once. Returns one entry for each, in the order of the resolver; never empty: an unknown host is one that failed. */
export async function probeHost(host: string, port: number, timeoutMs: number): Promise<readonly Probed[]> {
  let addresses: readonly string[];
  try {
    addresses = [...new Set((await lookup(host, { all: true })).map(({ address }) => address))];
  } catch (error) {
    return [{ ok: false, host, port, message: `${host}:${port}: ${errorMessage(error)}` }];
  }
  return Promise.all(addresses.map((address) => probeOne(address, port, timeoutMs)));
}

function probeOne(host: string, port: number, timeoutMs: number): Promise<Probed> {
  const clock = realClock();
  const tasks: Tasks = {
    now: () => clock.now(),
    after: (ms, task) => Object.assign(setTimeout(task, ms), { at: clock.now() + ms }),
    cancel: (handle) => clearTimeout(handle as unknown as NodeJS.Timeout),
  };
  return new Promise((resolve) => {
    probe({ network: new TcpNetwork({ log: SILENT, clock }), tasks, host, port, timeoutMs }, (result) => {
      if (result instanceof Error) resolve({ ok: false, host, port, message: result.message });
      else resolve({ ok: true, host, port, iam: result });
    });
  });
}
