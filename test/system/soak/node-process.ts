/** The entry of a soak's second process: a `SoakNode`, driven by messages of the first. Ends with it. */
import type { FromNode, ToNode } from './protocol.ts';
import { SoakNode, type SoakNodeOptions } from './soak-node.ts';

const REPORT_EVERY_MS = 100;

process.once('disconnect', () => process.exit(1));
const node = await SoakNode.start(JSON.parse(process.argv[2] as string) as SoakNodeOptions);
await node.introduce();
const timer = setInterval(() => say({ type: 'report', report: node.report() }), REPORT_EVERY_MS);
process.on('message', (message: ToNode) => {
  obey(message).catch((error: unknown) => {
    throw error;
  });
});
say({ type: 'up' });

async function obey(message: ToNode): Promise<void> {
  switch (message.type) {
    case 'halt':
      await node.halt();
      return;
    case 'kill':
      await node.system.killShard(message.shard, message.how);
      return;
    case 'stop':
      clearInterval(timer);
      say({ type: 'report', report: node.report() });
      await node.system.stop();
      say({ type: 'stopped' });
      process.removeAllListeners('disconnect');
      process.disconnect();
      return;
  }
}

function say(message: FromNode): void {
  process.send?.(message);
}
