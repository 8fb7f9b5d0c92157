/** What went wrong in a run, in words. Pure. */
import type { Trans } from '../words';
import type { Run, StepRun } from './types';

/** What went wrong, and in which step. */
export interface Fault {
  /** '' where it is not a single step's. */
  step: string;
  /** What of that step shows it best. */
  seen: 'cell' | 'log';
  cause: string;
  detail: string;
  remedy: string;
}

const FAILED_CELL = /^cell (\d+)(?: of \d+)?(?: has failed)?: (.+)$/is;

/** Null where nothing did. */
export function faultOf(run: Run, trans: Trans): Fault | null {
  if (run.state !== 'failed') {
    return null;
  }
  const step = run.steps.find(({ state }) => state === 'failed');
  if (!step) {
    return { step: '', seen: 'log', cause: '', detail: run.message, remedy: run.remedy };
  }
  // the cell stands in the cause already
  const [, cell, rest] = FAILED_CELL.exec(step.message) ?? [];
  const many = run.steps.length > 1;
  return {
    step: step.name,
    seen: cell ? 'cell' : 'log',
    cause: cell
      ? many
        ? trans.__('Step %1, cell %2', step.name, cell)
        : trans.__('Cell %1', cell)
      : many
        ? trans.__('Step %1', step.name)
        : '',
    detail: rest ?? (step.message || run.message || trans.__('It has ended by a fault.')),
    remedy: step.remedy || run.remedy
  };
}

/** What the button says that goes on with a run. */
export function resumeText({ steps }: Run, fault: Fault | null, trans: Trans): string {
  return fault?.step && steps.length > 1
    ? trans.__('Resume from %1', fault.step)
    : trans.__('Resume');
}

/** What the record of a run is for. */
export function recordText(trans: Trans): string {
  return trans.__('Save what explains its results: code, values, inputs, versions');
}

/** The code cell that has failed, from 1; null where it was none. */
export function failedCell({ message, cell }: StepRun): number | null {
  const [, told] = FAILED_CELL.exec(message) ?? [];
  return told ? Number(told) : (cell ?? null);
}
