import { fc, testProp } from '@fast-check/ava';
import { COMMANDS } from '../../../actors/resp/commands.ts';
import { REFUSED } from '../../../actors/resp/unknown-command.ts';
import { SessionKit } from './session-kit.ts';

/** Offset behind the reply at `at`; throws when there is none that is whole and well-formed. */
function replyEnd(text: string, at: number): number {
  const lineEnd = text.indexOf('\r\n', at);
  const line = text.slice(at + 1, lineEnd);
  if (lineEnd < 0 || /[\r\n]/.test(line)) throw new Error(`no line at ${at}: ${JSON.stringify(text.slice(at, at + 80))}`);
  const next = lineEnd + 2;
  const type = text[at]!;
  if ('+-_#'.includes(type)) return next;
  const count = Number(line);
  if (!Number.isSafeInteger(count)) throw new Error(`no number at ${at}: ${line}`);
  if (type === ':') return next;
  if (type === '$') {
    if (count < 0) return next;
    if (text.slice(next + count, next + count + 2) !== '\r\n') throw new Error(`no end of a bulk string at ${at}`);
    return next + count + 2;
  }
  if (!'*%~'.includes(type)) throw new Error(`no reply at ${at}: ${JSON.stringify(text.slice(at, at + 80))}`);
  let end = next;
  for (let i = type === '%' ? 2 * count : count; i > 0; i--) end = replyEnd(text, end);
  return end;
}

function countReplies(text: string): number {
  let count = 0;
  for (let at = 0; at < text.length; count++) at = replyEnd(text, at);
  return count;
}

const names = [...COMMANDS.keys(), ...REFUSED.keys(), 'NOPE', ''].filter((name) => name !== 'QUIT');
const words = fc.constantFrom(
  ...[
    'a',
    'b',
    'c',
    '',
    '0',
    '1',
    '-1',
    '3',
    '2000000000000',
    '9007199254740993',
    'x\r\ny',
    '\xff',
    'GET',
    'EX',
    'PX',
    'EXAT',
    'PXAT',
    'KEEPTTL',
    'NX',
    'XX',
  ],
  ...[
    'GT',
    'PERSIST',
    'CONTEXT',
    'R',
    'W',
    'TTL',
    'LOCAL',
    'LIST',
    'INFO',
    'USE',
    'CREATE',
    'ALTER',
    'DROP',
    'default',
    'strict',
    'COUNT',
    'DOCS',
    'ID',
    'SETNAME',
  ],
  ...['GETNAME', 'SETINFO', 'LIB-NAME', 'AUTH', 'MODE', 'cp', 'AQAAAA', '*', 'save'],
);
const command = fc.tuple(fc.constantFrom(...names), fc.array(words, { maxLength: 6 })).map(([name, args]) => [name, ...args]);
const refusals = fc.array(fc.integer({ min: 2, max: 11 }), { maxLength: 6 });

testProp(
  'session: one well-formed reply for each command, when commands and failures are random',
  [fc.array(command, { maxLength: 40 }), refusals, fc.boolean(), fc.boolean()],
  (t, commands, statuses, holds, isThree) => {
    const kit = new SessionKit({ allowsDrop: true });
    const client = kit.connect();
    if (isThree) client.do('HELLO 3');
    kit.store.holds = holds;
    kit.store.refusals.push(...statuses.map((status) => ({ status, received: 1, needed: 2, message: 'a\r\nb' })));
    let replies = client.send(...commands);
    for (let rounds = 0; client.session.inFlight > 0 || !client.session.wantsInput; rounds++) {
      if (rounds > 1_000) return t.fail('it does not come to an end');
      for (const { decided } of kit.proposals.splice(0)) decided({ ok: true, version: { generation: 1, epoch: 2 } });
      kit.store.answerAll((held) => held.toReversed());
      kit.settle();
      replies += client.take();
    }
    t.is(countReplies(replies), commands.length);
  },
  { numRuns: 300 },
);
