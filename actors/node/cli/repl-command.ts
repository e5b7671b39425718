/** `dynactor repl`. */
import type { Command } from 'commander';
import { openPrompt } from '../../../runtime/real/terminal.ts';
import { completions, Repl } from './repl.ts';
import { type StoreOptions, withSeeds, withStore } from './store-session.ts';

export function addReplCommand(program: Command): void {
  withSeeds(program.command('repl'))
    .description('read and write line by line over one connection; of lines that are piped in, exit code 1 when one of them failed')
    .action(repl);
}

async function repl(options: Omit<StoreOptions, 'output'>): Promise<void> {
  await withStore(options, async ({ client }) => {
    const shell = new Repl(client, options.keyspace);
    const prompt = openPrompt(() => `${shell.keyspace}> `, completions);
    if (prompt.isTerminal) prompt.say(`connected to cluster ${client.topology.clusterName}; help shows what there is\n`);
    for await (const line of prompt.lines) {
      const { text, ok } = await shell.run(line);
      if (text !== '') prompt.say(`${ok ? '' : 'error: '}${text}\n`);
      if (!ok && !prompt.isTerminal) process.exitCode = 1;
      if (shell.isOver) break;
    }
  });
}
