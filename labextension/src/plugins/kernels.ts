/** What happens to the kernels of notebooks and consoles: what they are attached to, restarts. */
import type { ISessionContext } from '@jupyterlab/apputils';
import type { Cell } from '@jupyterlab/cells';
import { type INotebookTracker, NotebookActions, type NotebookPanel } from '@jupyterlab/notebook';
import type { Kernel } from '@jupyterlab/services';
import { attachedBy } from '../code';
import type { Store } from '../store';
import type { Attachments } from './attachments';
import { markOf } from './cells';
import { hear } from './hearing';

/** Milliseconds after a restart in which "restart and run all" has asked for its cells. */
const SETTLED = 1000;

export interface Following {
  store: Store;
  attachments: Attachments;
  /** Whether kernels are attached again after a restart. */
  wanted(): boolean;
  rerun(panel: NotebookPanel, cell: Cell): Promise<unknown>;
}

/** Keep `attachments` true for all notebooks, and attach again after restarts. */
export function followNotebooks(notebooks: INotebookTracker, following: Following): void {
  const follow = (panel: NotebookPanel) => followOne(panel, following);
  notebooks.forEach(follow);
  notebooks.widgetAdded.connect((_, panel) => follow(panel));
}

/** Hear from the kernels of a notebook or console, one after another. */
export function hearKernels(session: ISessionContext, attachments: Attachments): void {
  const follow = (kernel: Kernel.IKernelConnection | null | undefined) => {
    if (kernel) {
      hear(kernel, backend => attachments.set(kernel.id, backend));
    }
  };
  follow(session.session?.kernel);
  session.kernelChanged.connect((_, { newValue }) => follow(newValue));
}

function followOne(panel: NotebookPanel, following: Following): void {
  const { attachments, store } = following;
  const { sessionContext } = panel;
  hearKernels(sessionContext, attachments);
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
      attachments.forget(kernel.id);
      if (backend) {
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
