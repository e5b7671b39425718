import test, { type ExecutionContext } from 'ava';
import { Command } from 'commander';
import { addClusterCommand } from '../../../../actors/node/cli/cluster-command.ts';
import { addKeyCommands } from '../../../../actors/node/cli/key-commands.ts';

/** In this process, since nothing is begun. */
const refused = test.macro(async (t: ExecutionContext, line: string, message: RegExp) => {
  let said = '';
  const program = new Command('dynactor').exitOverride().configureOutput({
    writeErr: (text) => {
      said += text;
    },
  });
  addClusterCommand(program);
  addKeyCommands(program);
  await t.throwsAsync(program.parseAsync(line.split(' '), { from: 'user' }), { name: 'CommanderError' });
  t.regex(said, message);
});

const CLUSTER = 'cluster --data nowhere';
test(
  'cluster command: no nodes are refused',
  refused,
  `${CLUSTER} --nodes 0`,
  /'--nodes <count>' argument '0' is invalid\. Expected a whole/,
);
test('cluster command: a port that is none is refused', refused, `${CLUSTER} --base-port 65536`, /Expected a whole number from 1 to 65535/);
test('cluster command: ports beyond the last are refused', refused, `${CLUSTER} --base-port 65535`, /port 65536 \(n1, shard 0\) is none/);
test('cluster command: more shards than have ports are refused', refused, `${CLUSTER} --shards 10`, /port 7010 would be used twice/);
test('cluster command: more replicas than nodes are refused', refused, `${CLUSTER} -n 4`, /-n 4: expected at most as many .* nodes, 3/);
test(
  'cluster command: a quorum of more than all is refused',
  refused,
  `${CLUSTER} -w 4`,
  /-w 4: expected at most as many as .* replicas, 3/,
);
test('cluster command: a mode that is none is refused', refused, `${CLUSTER} --mode maybe`, /Allowed choices are ap, cp/);
test('key commands: a time without a unit is refused', refused, 'put k v --ttl 30', /Expected a number with a unit: 500ms/);
test('key commands: a quorum that is none is refused', refused, 'get k -r most', /'-r, --r <count>' argument 'most' is invalid/);
test('key commands: a durability that is none is refused', refused, 'del k --durability maybe', /Allowed choices are sync, periodic, none/);
test('key commands: a value that is not said is missed', refused, 'put k', /missing required argument 'value'/);
