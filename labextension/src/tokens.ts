/** What other extensions, and the parts of this one, can ask for. */
import { Token } from '@lumino/coreutils';

import type { Service } from './requests';
import type { Store } from './store';

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

/** Commands. Those about one backend take its id as `{ id }`. */
export const CommandIDs = {
  /** Show the panel. */
  open: 'alongside:open',
  /** Open the Launch dialog; `{ profile?, kind?, options?, name? }` fill it in. */
  launch: 'alongside:launch',
  /** Open the Scale dialog. */
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
  /** End it, after a time in which that can be undone. */
  stop: 'alongside:stop',
  /** Put code or a command that does the same on the clipboard; `{ what: 'python' | 'shell' }`. */
  copy: 'alongside:copy',
  /** Remove one that has ended from the list. */
  dismiss: 'alongside:dismiss',
  /** Everybody's backends, for admins. */
  admin: 'alongside:admin'
} as const;
