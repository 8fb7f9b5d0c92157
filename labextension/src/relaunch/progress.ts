/** How far a backend is that starts again with another size, as the kernel that saves and restores
 * its data tells it. Pure. */
import type { Trans } from '../words';

/** In this order; `waiting` is for the kernel to be free. */
export const STEPS = [
  'waiting',
  'saving',
  'verifying',
  'stopping',
  'starting',
  'restoring'
] as const;
export type Step = (typeof STEPS)[number];

export interface Progress {
  /** Where it is, or where it was when it ended. */
  step: Step;
  /** What is being done, or how it ended: a sentence. */
  message: string;
  /** Parts done, of how many; 0 of 0 is not known. */
  done: number;
  of: number;
  end: '' | 'done' | 'failed' | 'cancelled';
  /** What to do about a failure. */
  remedy: string;
}

export const BEGINNING: Progress = {
  step: 'waiting',
  message: '',
  done: 0,
  of: 0,
  end: '',
  remedy: ''
};

/** What the kernel tells; what is absent is empty. */
export type Told = Pick<Line, 'step'> & Partial<Line>;

interface Line {
  alongside: 'relaunch';
  step: Step | 'done' | 'failed';
  message: string;
  done: number;
  of: number;
  remedy: string;
}

/** What a line says; null for what somebody else has printed. */
function lineOf(text: string): Told | null {
  try {
    const found = JSON.parse(text) as Partial<Line> | null;
    return found?.alongside === 'relaunch' && typeof found.step === 'string'
      ? (found as Told)
      : null;
  } catch {
    return null;
  }
}

/** Where it is once this line was printed. */
export function advance(before: Progress, text: string): Progress {
  return told(before, lineOf(text));
}

/** Where it is once this was told. */
export function told(before: Progress, line: Told | null | undefined): Progress {
  if (!line?.step || before.end) {
    return before;
  }
  const { step, message = '', remedy = '', done = 0, of = 0 } = line;
  if (step === 'done' || step === 'failed') {
    return { ...before, message, remedy, end: step };
  }
  return STEPS.includes(step) ? { step, message, done, of, end: '', remedy } : before;
}

/** Whether nothing has been changed yet, so that it can be called off. */
export function cancellable({ step, end }: Progress): boolean {
  return !end && STEPS.indexOf(step) < STEPS.indexOf('stopping');
}

/** The lines that are complete, and the rest. */
export class Lines {
  take(text: string): string[] {
    const parts = (this.rest + text).split('\n');
    this.rest = parts.pop() ?? '';
    return parts.filter(Boolean);
  }

  private rest = '';
}

/** How a step is called, as what is to be done. */
export function stepTitle(step: Step, trans: Trans): string {
  switch (step) {
    case 'waiting':
      return trans.__('Wait for the notebook');
    case 'saving':
      return trans.__('Save');
    case 'verifying':
      return trans.__('Check what was saved');
    case 'stopping':
      return trans.__('Stop');
    case 'starting':
      return trans.__('Start with the new size');
    case 'restoring':
      return trans.__('Load');
  }
}

/** What is being done now. */
export function doing({ step, message }: Progress, trans: Trans): string {
  return (
    message ||
    (step === 'waiting' ? trans.__('Waiting until no cell runs') : stepTitle(step, trans))
  );
}
