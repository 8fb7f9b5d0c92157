/** What can be done with a run. */
import type { Run } from './types';

export interface RunActions {
  /** Show all of it, at one of its steps if one is named. */
  open(run: Run, step?: string): void;
  cancel(run: Run): void;
  /** Go on from what has not succeeded. */
  resume(run: Run): void;
  /** Show the executed notebook of a step as it is. */
  notebook(run: Run, step: string): void;
  log(run: Run, step: string): void;
  /** Save what explains its results. */
  record(run: Run): void;
  /** Save the executed notebook of a step as a page; 0 is the last attempt. */
  report(run: Run, step: string, attempt: number): void;
  /** Show it beside another run. */
  compare(run: Run): void;
  /** Show what made a file that a step of a run calls so. */
  trace(run: string, step: string, name: string): void;
  /** Ask for its values anew, and run it again. */
  again(run: Run): void;
  remove(run: Run): void;
  /** Put the command that shows it on the clipboard. */
  copy(run: Run): void;
}
