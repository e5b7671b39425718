/** One question over RESP on a connection of its own, for what the load doesn't do. */
import { connect } from 'node:net';
import { endOfReply } from './resp-reply.ts';

/** The reply as it came, with its type and line ends. Errors: no connection, or none any more. */
export function askResp(port: number, words: readonly string[]): Promise<string> {
  return new Promise((resolve, reject) => {
    const socket = connect({ host: '127.0.0.1', port });
    let reply = Buffer.alloc(0);
    socket.once('error', reject);
    socket.once('close', () => reject(new Error(`port ${port}: closed before it answered ${words.join(' ')}`)));
    socket.on('data', (part) => {
      reply = Buffer.concat([reply, Buffer.from(part)]);
      if (endOfReply(reply, 0, reply.length) === 0) return;
      resolve(reply.toString('utf8'));
      socket.destroy();
    });
    socket.write(`*${words.length}\r\n${words.map((word) => `$${Buffer.byteLength(word)}\r\n${word}\r\n`).join('')}`);
  });
}
