import { once } from 'node:events';
import { createServer, type RequestListener } from 'node:http';
import type { AddressInfo } from 'node:net';
import test, { type ExecutionContext } from 'ava';
import { call, type Target } from '../../../../actors/node/cli/client.ts';

async function serve(t: ExecutionContext, listener: RequestListener): Promise<Target> {
  const server = createServer(listener);
  t.teardown(() => server.close());
  t.teardown(() => server.closeAllConnections());
  await new Promise<void>((resolve) => {
    server.listen(0, '127.0.0.1', resolve);
  });
  return { url: `http://127.0.0.1:${(server.address() as AddressInfo).port}`, timeoutMs: 20_000 };
}

test('client: sends JSON, gives what comes back', async (t) => {
  const target = await serve(t, (request, response) => {
    request.on('data', (chunk: Buffer) =>
      response.end(JSON.stringify([request.method, request.url, request.headers['content-type'], String(chunk)])),
    );
  });
  t.deepEqual(await call(target, 'PUT', '/v1/x', { a: 1 }), ['PUT', '/v1/x', 'application/json', '{"a":1}']);
});

test('client: an error of the node keeps its code and text', async (t) => {
  const target = await serve(t, (_request, response) => response.writeHead(409).end('{"error":{"code":"EXISTS","message":"it is there"}}'));
  await t.throwsAsync(call(target, 'POST', '/v1/x'), { code: 'EXISTS', message: 'it is there' });
});

test('client: what is no node is told from one', async (t) => {
  const target = await serve(t, (_request, response) => response.end('<html>'));
  await t.throwsAsync(call(target, 'GET', '/v1/x'), { code: 'INTERNAL', message: /expected an answer of a node, got status 200/ });
});

test('client: no answer in time may mean that it was done, a refused connection means that it was not', async (t) => {
  const target = await serve(t, () => undefined);
  await t.throwsAsync(call({ ...target, timeoutMs: 50 }, 'POST', '/v1/x'), {
    code: 'INDETERMINATE',
    message: /did not answer within 50 ms.*may still be done/,
  });
  const closed = createServer().listen(0, '127.0.0.1');
  await once(closed, 'listening');
  const { port } = closed.address() as AddressInfo;
  closed.close();
  await once(closed, 'close');
  await t.throwsAsync(call({ url: `http://127.0.0.1:${port}`, timeoutMs: 20_000 }, 'GET', '/'), {
    code: 'UNREACHABLE',
    message: /no node answers at http:\/\/127\.0\.0\.1:\d+: .*ECONNREFUSED/,
  });
});
