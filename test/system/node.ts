/** A node in a process of its own, for tests: `start` says when it is up, `stop` on any message stops it cleanly, and it ends with whoever started it. */
import { formatNodeAddress } from '../../runtime/node-address.ts';
import { ActorSystem, type SystemOptions } from '../../runtime/system.ts';

/** Sent when it is up, and when it has stopped. */
export interface NodeNews {
  readonly address: string;
  /** What still keeps the process alive, when stopped; the channel to whoever started it not counted. */
  readonly resources: readonly string[] | null;
}

process.once('disconnect', () => process.exit(1));
const system = await ActorSystem.start({
  modules: [new URL('./actors.js', import.meta.url)],
  logLevel: 'silent',
  ...(JSON.parse(process.argv[2] as string) as SystemOptions),
});
const address = formatNodeAddress(system.address);
process.send?.({ address, resources: null } satisfies NodeNews);
process.once('message', () => {
  system.stop().then(
    () => {
      process.removeAllListeners('disconnect');
      tellResources(0);
    },
    (error: unknown) => {
      throw error;
    },
  );
});

/** A port whose other end has closed is gone some turns of the loop later. */
function tellResources(turns: number): void {
  const resources = process.getActiveResourcesInfo();
  if (resources.includes('MessagePort') && turns < 1_000) setImmediate(() => tellResources(turns + 1));
  else process.send?.({ address, resources } satisfies NodeNews, () => process.disconnect());
}
