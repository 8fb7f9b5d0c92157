/** What other extensions, and the parts of this one, can ask for. */
import { Token } from '@lumino/coreutils';
import type { ISignal } from '@lumino/signaling';

import type { Backend } from './model';
import type { PendingStops } from './panel/stops';
import type { Relaunches } from './relaunch/relaunches';
import type { Service } from './requests';
import type { Store } from './store';

/** Of the translations. */
export const DOMAIN = 'jupyterhub-alongside';

/** The backends of whoever uses this session. */
export interface IAlongside {
  /** What is there now. */
  readonly store: Store;
  /** What can be asked for. */
  readonly service: Service;
}

export const IAlongside = new Token<IAlongside>(
  'jupyterhub-alongside:IAlongside',
  'The backends of this user: what is there, and what can be asked for.'
);

/** What a user has chosen in the settings; the defaults where there are no settings. */
export interface Preferences {
  /** What Attach does with the cell that it inserts. */
  readonly attach: 'run' | 'insert';
  /** Whether the cell is run again after a restart of the kernel. */
  readonly reattach: boolean;
  readonly notifications: 'all' | 'problems' | 'none';
  /** Seconds in which a stop can be undone. */
  readonly stopDelay: number;
  /** Whether the panel shows backends that have ended. */
  readonly showEnded: boolean;
  readonly statusBar: boolean;
}

export interface IPreferences {
  readonly current: Preferences;
  readonly changed: ISignal<IPreferences, Preferences>;
}

export const IPreferences = new Token<IPreferences>(
  'jupyterhub-alongside:IPreferences',
  'What the user has chosen in the settings of Alongside.'
);

/** Stops that can still be taken back. */
export const IPendingStops = new Token<PendingStops>(
  'jupyterhub-alongside:IPendingStops',
  'The stops of backends that can still be taken back.'
);

/** Which backend each kernel is connected to, as far as it was seen here. */
export interface IAttachments {
  /** The backend of the notebook or console that was used last. */
  readonly current: Backend | null;
  /** Any of it is different. */
  readonly changed: ISignal<IAttachments, void>;
  /** The kernels that are connected to a backend, by their ids; some may run no more. */
  kernels(backend: string): readonly string[];
  /** A kernel has lost its connection. */
  forget(kernel: string): void;
  /** The backend of a kernel, by the kernel's id. */
  of(kernel: string | null | undefined): Backend | null;
  /** Begin to drag the cell that attaches `backend`; `event` says where. Resolves once dropped. */
  drag(backend: Backend, event: { clientX: number; clientY: number }): Promise<void>;
}

export const IAttachments = new Token<IAttachments>(
  'jupyterhub-alongside:IAttachments',
  'Which backend the kernels of this browser tab are connected to.'
);

/** Changes of size that start a backend again, carried out by a kernel that is attached to it. */
export const IRelaunches = new Token<Relaunches>(
  'jupyterhub-alongside:IRelaunches',
  'Changes of size that are under way in kernels.'
);

/** Commands. Those about one backend take its id as `{ id }`; without it they ask which. */
export const CommandIDs = {
  /** Show the panel; `{ section? }`: `backends`, `runs` or `team`. */
  open: 'alongside:open',
  /** Open the Launch dialog; `{ profile?, kind?, options?, name? }` fill it in. */
  launch: 'alongside:launch',
  /** Change its size; without `{ members? }` ask for it. */
  scale: 'alongside:scale',
  /** Insert and run the cell that connects the current notebook's kernel to it. */
  attach: 'alongside:attach',
  /** Show the logs; `{ role? }`. */
  logs: 'alongside:logs',
  /** Open a page of its dashboard as a tab; `{ page? }`. */
  dashboard: 'alongside:dashboard',
  /** Share it with others. */
  share: 'alongside:share',
  /** Give it more time. */
  extend: 'alongside:extend',
  /** Keep it when the session ends, or no longer; `{ keep }`. */
  keep: 'alongside:keep',
  /** Have an attached notebook save what it has in it, and end it. */
  pause: 'alongside:pause',
  /** End it, after a time in which that can be undone. */
  stop: 'alongside:stop',
  /** Take back a stop that has not been sent yet. */
  undo: 'alongside:undo',
  /** Launch one like it, with the form filled in. */
  retry: 'alongside:retry',
  /** Put code or a command that does the same on the clipboard; `{ what: 'python' | 'shell' }`. */
  copy: 'alongside:copy',
  /** Remove one that has ended from the list. */
  dismiss: 'alongside:dismiss',
  /** Ask how to run a notebook, and run it; `{ path? }`: without it the current or a chosen one. */
  run: 'alongside:run',
  /** Show one run in a tab; `{ id, step?, view? }`. Those that follow are about one run, too. */
  openRun: 'alongside:open-run',
  /** End it; its backends end at once. */
  cancelRun: 'alongside:cancel-run',
  /** Go on from what has not succeeded. */
  resumeRun: 'alongside:resume-run',
  /** Ask for its values anew, and run it again. */
  runAgain: 'alongside:run-again',
  /** Remove it with its logs and executed notebooks. */
  deleteRun: 'alongside:delete-run',
  /** Save what explains its results. */
  runRecord: 'alongside:run-record',
  /** Save the executed notebook of a step as a page; `{ id, step, attempt? }`. */
  runReport: 'alongside:run-report',
  /** Show two runs beside each other; `{ id?, other? }`: without them the newest. */
  compareRuns: 'alongside:compare-runs',
  /** Put the command that shows it on the clipboard. */
  copyRun: 'alongside:copy-run',
  /** Show what made a file: `{ path }` in the file browser, without it the one chosen there; or
   * `{ run, step, name }`. With `{ derived: true }` what was made of it. */
  trace: 'alongside:trace'
} as const;
