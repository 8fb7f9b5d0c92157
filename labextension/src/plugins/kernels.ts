/** What happens to the kernels of notebooks: what was run there, restarts, ends. */
import type { ISessionContext } from '@jupyterlab/apputils';
import type { Cell } from '@jupyterlab/cells';
import { type INotebookTracker, NotebookActions, type NotebookPanel } from '@jupyterlab/notebook';
import type { KernelMessage } from '@jupyterlab/services';

import type { Store } from '../store';
import type { Attachments } from './attachments';
import { markOf } from './cells';
import { attachedBy } from './code';

/** Milliseconds after a restart in which "restart and run all" has asked for its cells. */
const SETTLED = 1000;
/** Milliseconds that attaching may take: a backend that starts is waited for. */
const LONG = 300_000;

export interface Following {
  store: Store;
  attachments: Attachments;
  /** Whether kernels are attached again after a restart. */
  wanted(): boolean;
  rerun(panel: NotebookPanel, cell: Cell): Promise<unknown>;
}

/** Keep `attachments` true for all notebooks, and attach again after restarts. */
export function followNotebooks(notebooks: INotebookTracker, following: Following): void {
  const { store, attachments } = following;
  NotebookActions.executed.connect((_, { notebook, cell, success }) => {
    if (!success || cell.model.type !== 'code') {
      return;
    }
    const panel = notebooks.find(({ content }) => content === notebook);
    const kernel = panel?.sessionContext.session?.kernel;
    const code = cell.model.sharedModel.getSource();
    const backend = attachedBy(code, store.backends.values(), store.session, store.user);
    if (kernel && backend) {
      attachments.set(kernel.id, backend);
    }
  });
  const follow = (panel: NotebookPanel) => followOne(panel, following);
  notebooks.forEach(follow);
  notebooks.widgetAdded.connect((_, panel) => follow(panel));
}

function followOne(panel: NotebookPanel, following: Following): void {
  const { attachments, store } = following;
  const { sessionContext } = panel;
  /** The cell that is to be run once the kernel is back. */
  let waiting: Cell | null = null;
  sessionContext.kernelChanged.connect((_, { oldValue, newValue }) => {
    // told after a restart too, of the same kernel
    if (oldValue?.id !== newValue?.id) {
      waiting = null;
    }
    attachments.touch();
  });
  sessionContext.statusChanged.connect((_, status) => {
    const kernel = sessionContext.session?.kernel;
    if (!kernel) {
      return;
    }
    if (status === 'restarting' || status === 'autorestarting' || status === 'dead') {
      const backend = attachments.of(kernel.id);
      if (backend) {
        attachments.forget(kernel.id);
        const { backends, session, user } = store;
        waiting =
          panel.content.widgets.find(cell => markOf(cell)?.backend === backend.id) ??
          panel.content.widgets.find(
            ({ model }) =>
              model.type === 'code' &&
              attachedBy(model.sharedModel.getSource(), backends.values(), session, user)?.id ===
                backend.id
          ) ??
          null;
      }
    } else if (status === 'idle' && waiting && following.wanted()) {
      const cell = waiting;
      waiting = null;
      void unlessScheduled(panel, cell).then(free => free && following.rerun(panel, cell));
    }
  });
}

/** Whether nobody else asks for this cell within a moment. */
function unlessScheduled(panel: NotebookPanel, cell: Cell): Promise<boolean> {
  return new Promise(resolve => {
    const done = (free: boolean) => {
      clearTimeout(timer);
      NotebookActions.executionScheduled.disconnect(seen);
      resolve(free && !cell.isDisposed && !panel.isDisposed);
    };
    const seen = (_: unknown, { cell: scheduled }: { cell: Cell }) => {
      if (scheduled === cell) {
        done(false);
      }
    };
    const timer = setTimeout(() => done(true), SETTLED);
    NotebookActions.executionScheduled.connect(seen);
  });
}

/** Whether the next code that this kernel runs ends without an error; false if it takes long. */
export function whenRun(session: ISessionContext): Promise<boolean> {
  return new Promise(resolve => {
    const done = (well: boolean) => {
      clearTimeout(timer);
      session.iopubMessage.disconnect(seen);
      resolve(well);
    };
    const seen = (_: unknown, { header, parent_header, content }: KernelMessage.IMessage) => {
      if (header.msg_type === 'error') {
        done(false);
      } else if (
        header.msg_type === 'status' &&
        (content as { execution_state?: string }).execution_state === 'idle' &&
        'msg_type' in parent_header &&
        parent_header.msg_type === 'execute_request'
      ) {
        done(true);
      }
    };
    const timer = setTimeout(() => done(false), LONG);
    session.iopubMessage.connect(seen);
  });
}
