/** Whether ports are free, before anything is begun that needs them. */
import { createServer } from 'node:net';

/** Of these, in order, those where nobody could listen at this moment, with the reason. */
export async function takenPorts(host: string, ports: readonly number[]): Promise<ReadonlyMap<number, string>> {
  const reasons = await Promise.all(ports.map((port) => reasonAgainst(host, port)));
  return new Map(ports.flatMap((port, i) => (reasons[i] === null ? [] : [[port, reasons[i]!]])));
}

/** Null: there is none. */
function reasonAgainst(host: string, port: number): Promise<string | null> {
  return new Promise((resolve) => {
    const server = createServer();
    server.once('error', (error: NodeJS.ErrnoException) => resolve(error.code === 'EADDRINUSE' ? 'in use' : error.message));
    server.listen({ host, port, exclusive: true }, () => server.close(() => resolve(null)));
  });
}
