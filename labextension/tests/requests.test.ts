import type { ServerConnection } from '@jupyterlab/services';

import { Refusal, Service } from '../src/requests';

// what browsers have, and jsdom has not
AbortSignal.timeout ??= () => new AbortController().signal;

/** A service whose session answers so; `asked` is what it was asked for. */
function answering(answer: () => Response | Promise<Response>) {
  const asked: Request[] = [];
  const settings = {
    baseUrl: 'http://127.0.0.1:1/user/ada/',
    init: {},
    token: '',
    fetch: async (input: RequestInfo | URL) => {
      asked.push(input as Request);
      return await answer();
    },
    Request: class {
      constructor(
        readonly url: string,
        readonly init: RequestInit
      ) {}
      readonly headers = new Map();
    }
  } as unknown as ServerConnection.ISettings;
  return { service: new Service(settings), asked };
}

/** As much of a response as is read. */
function response(status: number, body: string | string[], type = 'application/json'): Response {
  const chunks = [body].flat().map(text => new TextEncoder().encode(text));
  return {
    ok: status < 300,
    status,
    statusText: 'so',
    headers: new Map([['content-type', type]]),
    json: async () => JSON.parse([body].flat().join('')),
    body: {
      pipeThrough: () => ({
        getReader: () => ({
          read: async () => {
            const value = chunks.shift();
            return { done: !value, value: value && new TextDecoder().decode(value) };
          },
          cancel: async () => undefined
        })
      })
    }
  } as unknown as Response;
}

test('a problem document is a sentence and a remedy', async () => {
  const problem = { title: 'Too much', detail: 'That is too much.', remedy: 'Ask for less.' };
  const { service } = answering(() => response(403, JSON.stringify(problem)));
  const error = await service.launch({ kind: 'dask' }).catch((reason: unknown) => reason);
  expect(error).toBeInstanceOf(Refusal);
  expect(error).toMatchObject({
    message: 'That is too much.',
    remedy: 'Ask for less.',
    status: 403
  });
});

test.each([
  ['<html>', 502, 'The session answered 502 so.'],
  ['{"message": "Forbidden"}', 403, 'Forbidden'],
  ['', 500, 'The session answered 500 so.']
])('what is no problem document is told too: %s', async (body, status, detail) => {
  const { service } = answering(() => response(status, body, 'text/html'));
  await expect(service.state()).rejects.toMatchObject({ message: detail, status });
});

test('no answer is a sentence and a remedy', async () => {
  const { service } = answering(() => Promise.reject(new TypeError('network')));
  await expect(service.me()).rejects.toMatchObject({
    message: 'The session does not answer.',
    status: 0
  });
});

test('what has ended already is no error', async () => {
  const { service } = answering(() => response(404, '{"detail": "There is none."}'));
  await expect(service.stop('etl')).resolves.toBeUndefined();
});

test('names are no paths', async () => {
  const { service, asked } = answering(() => response(200, '{}'));
  await service.change('a/../b', { keep: true });
  await service.me('my session');
  expect(asked.map(({ url }) => url)).toEqual([
    'http://127.0.0.1:1/user/ada/alongside/api/backends/a%2F..%2Fb',
    'http://127.0.0.1:1/user/ada/alongside/api/me?session=my+session'
  ]);
});

test('lines come whole, however they are cut on the way', async () => {
  const { service } = answering(() => response(200, ['a\nb', 'c\n', '', 'd'], 'text/plain'));
  const lines: string[] = [];
  for await (const part of service.logs('etl', 'scheduler')) {
    lines.push(...part);
  }
  expect(lines).toEqual(['a', 'bc', 'd']);
});
