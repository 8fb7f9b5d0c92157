/** Changes of size that a kernel carries out. */
import { Signal } from '@lumino/signaling';

import { relaunchCode } from '../src/code';
import type { Problem } from '../src/model';
import { advance, BEGINNING, cancellable, Lines, type Progress } from '../src/relaunch/progress';
import { type Kernels, Relaunches } from '../src/relaunch/relaunches';
import { ENGLISH } from '../src/words';

const line = (step: string, over: object = {}) =>
  `${JSON.stringify({ alongside: 'relaunch', step, message: '', done: 0, of: 0, remedy: '', ...over })}\n`;

/** A kernel in the test's hands. */
class OneKernel implements Kernels {
  readonly changed = new Signal<this, void>(this);
  code = '';
  interrupted = 0;
  hear: (text: string) => void = () => undefined;
  end: (problem: Problem | null) => void = () => undefined;
  die: (error: Error) => void = () => undefined;

  forgotten: string[] = [];
  forget = (kernel: string) => void this.forgotten.push(kernel);
  attached = () => [{ kernel: 'k', path: 'a.ipynb' }];

  execute(_: string, code: string, hear: (text: string) => void, signal: AbortSignal) {
    this.code = code;
    this.hear = hear;
    return new Promise<Problem | null>((resolve, reject) => {
      this.end = resolve;
      this.die = reject;
      signal.addEventListener('abort', () => this.interrupted === 0 && resolve(null));
    });
  }

  interrupt = async () => void this.interrupted++;
}

function begin() {
  const kernel = new OneKernel();
  const relaunches = new Relaunches(kernel, ENGLISH);
  const ended = relaunches.run('b', 'k', 'code()');
  return { kernel, relaunches, ended };
}

describe('what a kernel prints', () => {
  test('lines come in pieces and among what others print', () => {
    const lines = new Lines();
    const text = `hello\n${line('saving', { message: 'Saving a', done: 1, of: 3 })}`;
    const found = [...lines.take(text.slice(0, 20)), ...lines.take(text.slice(20))];
    const at = found.reduce(advance, BEGINNING);
    expect(at).toMatchObject({ step: 'saving', message: 'Saving a', done: 1, of: 3, end: '' });
  });

  test.each(['[]', 'null', '{"step":"saving"}', '{"alongside":"relaunch","step":3}', '{'])(
    '%s says nothing',
    text => expect(advance(BEGINNING, text)).toBe(BEGINNING)
  );

  test('a step of a newer library is left out', () => {
    expect(advance(BEGINNING, line('polishing'))).toBe(BEGINNING);
  });

  test('what has ended stays ended, and where it was is kept', () => {
    const all = [line('stopping'), line('failed', { message: 'No.', remedy: 'Do.' }), line('done')];
    const at = all.reduce((before, text) => advance(before, text), BEGINNING);
    expect(at).toMatchObject({ step: 'stopping', end: 'failed', message: 'No.', remedy: 'Do.' });
  });

  test.each([
    ['waiting', true],
    ['saving', true],
    ['verifying', true],
    ['stopping', false],
    ['restoring', false]
  ] as const)('while %s it can be called off: %s', (step, can) => {
    expect(cancellable({ ...BEGINNING, step })).toBe(can);
  });
});

describe('one change of size', () => {
  test('is told from its beginning to its end', async () => {
    const { kernel, relaunches, ended } = begin();
    const told: (Progress | undefined)[] = [];
    relaunches.changed.connect(() => told.push(relaunches.of('b')));
    expect(relaunches.of('b')?.step).toBe('waiting');
    kernel.hear(line('saving', { done: 1, of: 2 }));
    expect(relaunches.busy('b')).toBe(true);
    kernel.hear(line('restoring') + line('done', { message: 'All is back.' }));
    kernel.end(null);
    expect(await ended).toMatchObject({ end: 'done', message: 'All is back.' });
    expect(relaunches.of('b')).toBeUndefined();
    expect(told.map(one => one?.step)).toEqual(['saving', 'restoring', 'restoring', undefined]);
  });

  test('a failure stays until somebody has taken note', async () => {
    const { kernel, relaunches, ended } = begin();
    kernel.hear(line('verifying'));
    kernel.hear(line('failed', { message: 'The disk is full.', remedy: 'Make room.' }));
    kernel.end({ detail: 'raised', remedy: '' });
    expect(await ended).toMatchObject({ end: 'failed', message: 'The disk is full.' });
    expect(relaunches.of('b')?.remedy).toBe('Make room.');
    expect(relaunches.busy('b')).toBe(false);
    relaunches.forget('b');
    expect(relaunches.of('b')).toBeUndefined();
  });

  test('an error without a word of its own is told as the kernel has it', async () => {
    const { kernel, ended } = begin();
    kernel.end({ detail: 'The kernel has no library that can do this.', remedy: 'Install it.' });
    expect(await ended).toMatchObject({ end: 'failed', remedy: 'Install it.' });
  });

  test('called off while it waits, nothing is broken off', async () => {
    const { kernel, relaunches, ended } = begin();
    expect(relaunches.cancel('b')).toBe(true);
    expect((await ended).end).toBe('cancelled');
    expect(kernel.interrupted).toBe(0);
    expect(relaunches.of('b')).toBeUndefined();
  });

  test('called off while it saves, the kernel is interrupted', async () => {
    const { kernel, relaunches, ended } = begin();
    kernel.hear(line('saving'));
    kernel.interrupted = 0;
    const told = jest.spyOn(kernel, 'interrupt');
    expect(relaunches.cancel('b')).toBe(true);
    expect(told).toHaveBeenCalledTimes(1);
    kernel.end({ detail: 'KeyboardInterrupt', remedy: '' });
    expect(await ended).toMatchObject({ end: 'cancelled' });
  });

  test('called off at the last moment, what went on nevertheless is told', async () => {
    const { kernel, relaunches, ended } = begin();
    kernel.hear(line('verifying'));
    relaunches.cancel('b');
    kernel.interrupted = 1;
    kernel.hear(line('stopping'));
    kernel.hear(line('failed', { message: 'Interrupted. What it held is saved in /d.' }));
    kernel.end(null);
    expect(await ended).toMatchObject({
      end: 'failed',
      message: 'Interrupted. What it held is saved in /d.'
    });
  });

  test('once it stops it is too late', async () => {
    const { kernel, relaunches, ended } = begin();
    kernel.hear(line('stopping'));
    expect(relaunches.cancel('b')).toBe(false);
    kernel.hear(line('done'));
    kernel.end(null);
    await ended;
    expect(relaunches.cancel('b')).toBe(false);
  });

  test.each([
    ['saving', 'Nothing was changed'],
    ['starting', 'still in its files']
  ])('a kernel that ends while %s: %s', async (step, remedy) => {
    const { kernel, ended } = begin();
    kernel.hear(line(step));
    kernel.die(new Error('Canceled future'));
    const told = await ended;
    expect(told.end).toBe('failed');
    expect(told.remedy).toContain(remedy);
  });
});

test('the code names nothing in the notebook', () => {
  const code = relaunchCode('sess-"1"', { locales: 5 }, false);
  expect(code).toBe(
    '__import__("alongside.resizing", fromlist=["from_panel"])' +
      '.from_panel("sess-\\"1\\"", {"locales": 5}, False)'
  );
});
