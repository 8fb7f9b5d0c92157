/** What the buttons of cards do: the commands, so that all ways to something are the same one. */
import type { ReadonlyPartialJSONObject } from '@lumino/coreutils';

import type { Actions } from '../components/actions';
import type { Backend } from '../model';
import type { Relaunches } from '../relaunch/relaunches';
import type { RunActions } from '../runs/actions';
import type { Run } from '../runs/types';
import { CommandIDs } from '../tokens';

/** The part of a command registry that is needed. */
export interface Commands {
  execute(id: string, args?: ReadonlyPartialJSONObject): Promise<unknown>;
}

export function commandActions(commands: Commands): Actions {
  const run = (command: string, { id }: Backend, args: ReadonlyPartialJSONObject = {}): void => {
    commands.execute(command, { ...args, id }).catch(error => {
      // what went wrong within a command is told by it; this is one that isn't enabled any more
      console.warn(error);
    });
  };
  return {
    attach: backend => run(CommandIDs.attach, backend),
    scale: (backend, members) => run(CommandIDs.scale, backend, optional({ members })),
    logs: (backend, role) => run(CommandIDs.logs, backend, optional({ role })),
    dashboard: (backend, page) => run(CommandIDs.dashboard, backend, optional({ page })),
    share: backend => run(CommandIDs.share, backend),
    extend: backend => run(CommandIDs.extend, backend),
    keep: (backend, keep) => run(CommandIDs.keep, backend, { keep }),
    pause: backend => run(CommandIDs.pause, backend),
    stop: backend => run(CommandIDs.stop, backend),
    undo: backend => run(CommandIDs.undo, backend),
    retry: backend => run(CommandIDs.retry, backend),
    dismiss: backend => run(CommandIDs.dismiss, backend),
    copy: (backend, what) => run(CommandIDs.copy, backend, { what })
  };
}

/** What the buttons of runs do. */
export function runActions(commands: Commands): RunActions {
  const run = (command: string, { id }: Run, args: ReadonlyPartialJSONObject = {}): void => {
    commands.execute(command, { ...args, id }).catch(error => console.warn(error));
  };
  return {
    open: (one, step) => run(CommandIDs.openRun, one, optional({ step })),
    notebook: (one, step) => run(CommandIDs.openRun, one, { step, view: 'notebook' }),
    log: (one, step) => run(CommandIDs.openRun, one, { step, view: 'log' }),
    cancel: one => run(CommandIDs.cancelRun, one),
    resume: one => run(CommandIDs.resumeRun, one),
    again: one => run(CommandIDs.runAgain, one),
    remove: one => run(CommandIDs.deleteRun, one),
    record: one => run(CommandIDs.runRecord, one),
    report: (one, step, attempt) => run(CommandIDs.runReport, one, { step, attempt }),
    compare: one => run(CommandIDs.compareRuns, one),
    copy: one => run(CommandIDs.copyRun, one),
    trace: (id, step, name) => {
      const args = { run: id, step, name };
      commands.execute(CommandIDs.trace, args).catch(error => console.warn(error));
    }
  };
}

/** Those about changes of size that kernels carry out. */
export function relaunchActions(relaunches: Relaunches | null): Actions {
  return relaunches
    ? {
        callOff: ({ id }) => void relaunches.cancel(id),
        noted: ({ id }) => relaunches.forget(id)
      }
    : {};
}

function optional(args: { [name: string]: string | number | undefined }) {
  const given = Object.entries(args).filter(([, value]) => value !== undefined);
  return Object.fromEntries(given) as ReadonlyPartialJSONObject;
}
