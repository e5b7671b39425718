/** A connection as CLIENT LIST shows it. */
import type { RespSession } from './resp-session.ts';

export function clientLine(session: RespSession): string {
  const { id, name, host, startedAtMs, lastCommandAtMs, lastCommand, protocol, libraryName, libraryVersion, keyspaceName } = session;
  const now = host.nowMs();
  const seconds = (from: number): number => Math.floor((now - from) / 1_000);
  const command = (lastCommand?.name ?? 'none').toLowerCase();
  return `id=${id} name=${name} age=${seconds(startedAtMs)} idle=${seconds(lastCommandAtMs)} db=0 keyspace=${keyspaceName} in-flight=${session.inFlight} cmd=${command} user=default lib-name=${libraryName} lib-ver=${libraryVersion} resp=${protocol}\n`;
}
