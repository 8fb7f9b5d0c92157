import { Signal } from '@lumino/signaling';
import {
  attachCode,
  attachedBy,
  launchCode,
  quote,
  reference,
  sessionBackend,
  shellCommand
} from '../src/code';
import { Attachments } from '../src/plugins/attachments';
import { hear } from '../src/plugins/hearing';
import { backend } from './plugins.stage';

describe('the code that attaches', () => {
  test('names the backend and keeps the client', () => {
    expect(attachCode('dask', 'etl')).toBe('import alongside\n\nclient = alongside.attach("etl")');
    expect(attachCode('arkouda', 'etl')).toContain('ak = alongside.attach("etl")');
  });

  test.each([
    ['a"b', '"a\\"b"'],
    ['a\\', '"a\\\\"'],
    ['a\nb', '"a\\nb"'],
    ['a\u202eb', '"a\\u202eb"'],
    ['a\u2028b', '"a\\u2028b"'],
    ['\u{e0001}', '"\\U000e0001"'],
    ['naïve 🦆', '"naïve 🦆"'],
    ["'''", "\"'''\""]
  ])('a name is a string of Python whatever is in it: %j', (name, code) => {
    expect(quote(name)).toBe(code);
  });

  test('says the id where the name could mean another', () => {
    const one = backend();
    const two = backend({ id: 'etl-2' });
    const ended = backend({ id: 'etl-3', phase: 'stopped' });
    const foreign = backend({ id: 'etl-4', owner: 'bob' });
    expect(reference(one, [one], 'ada')).toBe('etl');
    expect(reference(one, [one, two], 'ada')).toBe(one.id);
    expect(reference(one, [one, ended], 'ada')).toBe('etl');
    // one's own goes before those of others
    expect(reference(one, [one, foreign], 'ada')).toBe('etl');
    expect(reference(foreign, [one, foreign], 'ada')).toBe('etl-4');
    expect(reference(foreign, [foreign], 'ada')).toBe('etl');
  });
});

describe('what code attaches a kernel to', () => {
  const etl = backend();
  const dask = backend({ id: 'dask-1', name: 'dask', created: '2026-01-02T00:00:00Z' });
  const other = backend({ id: 'dask-2', name: 'dask', session: 'other' });
  const all = [etl, dask, other];

  test.each([
    ['import alongside\nclient = alongside.attach("etl")', 'etl-aaaabbbbccccdddd'],
    ["attach('dask-2')", 'dask-2'],
    ['alongside.attach()', 'dask-1'],
    ['from distributed import Client\nclient = Client()', 'dask-1'],
    ['Client( )', 'dask-1'],
    ['alongside.attach("etl")\nalongside.attach("dask-2", timeout=3)', 'dask-2']
  ])('%j', (code, id) => {
    expect(attachedBy(code, all, '', 'ada')?.id).toBe(id);
  });

  test.each([
    'print("attach()")',
    '# alongside.attach("etl")',
    'Client("tcp://elsewhere:8786")',
    'x = 1',
    'alongside.attach(name)',
    'alongside.attach("unknown")'
  ])('nothing: %j', code => {
    expect(attachedBy(code, all, '', 'ada')).toBeNull();
  });

  test('a name is found as attaching has written it', () => {
    const odd = backend({ id: 'odd-1', name: '"><img src=x onerror="y">\\ \u202e' });
    const code = attachCode('dask', reference(odd, [odd], 'ada'));
    expect(attachedBy(code, [odd, ...all], '', 'ada')?.id).toBe('odd-1');
  });

  test('a session without a cluster has none', () => {
    expect(sessionBackend(all, 'empty', 'ada')).toBeNull();
    expect(sessionBackend([backend({ phase: 'failed' })], '', 'ada')).toBeNull();
  });

  test('the session’s own of another kind, and one that was put away', () => {
    const group = backend({ id: 'big-1', name: 'big', kind: 'arkouda' });
    const found = (code: string) => attachedBy(code, [...all, group], '', 'ada')?.id;
    expect(found('ak = alongside.attach(kind="arkouda")')).toBe('big-1');
    expect(found("alongside.attach('big', kind='arkouda')")).toBe('big-1');
    expect(found('alongside.resume("big", locales=3)')).toBe('big-1');
    expect(found('alongside.resume("/data/ada/.alongside/saved/big-1")')).toBeUndefined();
  });
});

describe('what kernels are attached to', () => {
  const etl = backend();

  test('is remembered over a reload, until the backend ends or the kernel restarts', () => {
    const backends = new Map([[etl.id, etl]]);
    new Attachments(backends).set('kernel', etl.id);
    const reloaded = new Attachments(backends);
    expect(reloaded.of('kernel')).toBe(etl);
    expect(reloaded.of('another')).toBeNull();
    backends.set(etl.id, backend({ phase: 'stopped' }));
    expect(reloaded.of('kernel')).toBeNull();
    backends.set(etl.id, etl);
    reloaded.forget('kernel');
    expect(new Attachments(backends).of('kernel')).toBeNull();
  });

  test.each(['nonsense', '{"a": 1}', 'null'])('what is not ours does no harm: %s', found => {
    const storage = { getItem: () => found, setItem: () => undefined };
    const attachments = new Attachments(new Map([[etl.id, etl]]), storage);
    attachments.set('kernel', etl.id);
    expect(attachments.of('kernel')).toBe(etl);
  });
});

test('code that launches one like it', () => {
  const options = { workers: 2, adaptive: { minimum: 1, maximum: 4 }, gpu: false, memory: null };
  expect(launchCode(backend({ options }))).toBe(
    'import alongside\n\nalongside.launch("dask", name="etl", profile="small", workers=2, ' +
      'adaptive={"minimum": 1, "maximum": 4}, gpu=False)'
  );
  expect(shellCommand("it's; rm")).toBe("alongside show 'it'\\''s; rm'");
  expect(shellCommand('etl-1')).toBe('alongside show etl-1');
});

describe('what kernels tell', () => {
  /** A connection to a kernel that has a comm, and what was done with it. */
  function kernelWith(comms: string[], handleComms = true) {
    const iopubMessage = new Signal<object, object>({});
    const done: string[] = [];
    const kernel = {
      handleComms,
      iopubMessage,
      registerCommTarget: (target: string) => done.push(`register ${target}`),
      requestCommInfo: async () => ({
        content: { status: 'ok', comms: Object.fromEntries(comms.map(id => [id, {}])) }
      }),
      hasComm: () => false,
      createComm: (_: string, id: string) => ({ send: () => done.push(`ask ${id}`) })
    };
    const say = (msg_type: string, content: object) =>
      iopubMessage.emit({ header: { msg_type }, content });
    return { kernel: kernel as unknown as Parameters<typeof hear>[0], done, say };
  }
  const soon = () => new Promise(resolve => setTimeout(resolve));

  test('is heard when it is told, again and again', () => {
    const { kernel, say } = kernelWith([]);
    const heard: string[] = [];
    hear(kernel, backend => heard.push(backend));
    const target_name = 'alongside.attached';
    say('comm_open', { comm_id: 'c', target_name, data: { backend: 'one' } });
    say('comm_msg', { comm_id: 'c', data: { backend: 'two' } });
    say('comm_msg', { comm_id: 'another', data: { backend: 'three' } });
    say('comm_open', { comm_id: 'd', target_name: 'jupyter.widget', data: { backend: 'four' } });
    say('stream', { name: 'stdout', text: 'x' });
    expect(heard).toEqual(['one', 'two']);
  });

  test('is asked for by a page that came later', async () => {
    const { kernel, done, say } = kernelWith(['c']);
    const heard: string[] = [];
    hear(kernel, backend => heard.push(backend));
    await soon();
    expect(done).toEqual(['register alongside.attached', 'ask c']);
    say('comm_msg', { comm_id: 'c', data: { backend: 'one' } });
    expect(heard).toEqual(['one']);
  });

  test('is heard beside another connection, which asks', async () => {
    const { kernel, done, say } = kernelWith(['c'], false);
    const heard: string[] = [];
    hear(kernel, backend => heard.push(backend));
    await soon();
    expect(done).toEqual([]);
    say('comm_msg', { comm_id: 'c', data: { backend: 'one' } });
    expect(heard).toEqual(['one']);
  });
});
