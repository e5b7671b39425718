import test from 'ava';
import { RuntimeError } from '../../runtime/errors.ts';
import { formatNodeAddress, parseNodeAddress } from '../../runtime/node-address.ts';

for (const text of ['a@127.0.0.1:7000', 'node-1.x_y@host.example:7000,7001,7002', 'b@[::1]:1,65535']) {
  test(`node address: ${text} is read, and written as it was`, (t) => {
    t.is(formatNodeAddress(parseNodeAddress(text)), text);
  });
}

test('node address: the first port is of the main thread, the others of the shards', (t) => {
  t.deepEqual(parseNodeAddress('a@[::1]:7000,7001'), { node: 'a', host: '::1', ports: [7000, 7001] });
});

for (const text of ['', 'a', 'a@b', 'a@b:', '@b:1', 'a@b:0', 'a@b:65536', 'a@b:1,,2', 'a b@c:1', 'a@b:x', 'a@::1:1']) {
  test(`node address: ${JSON.stringify(text)} is refused, with what was expected`, (t) => {
    const error = t.throws(() => parseNodeAddress(text), { instanceOf: RuntimeError });
    t.is(error?.code, 'INVALID_ARGUMENT');
    t.regex(error?.message ?? '', /expected/);
  });
}
