/** The cell of a notebook that attaches: found, inserted, run. */
import type { ISessionContext, ISessionContextDialogs } from '@jupyterlab/apputils';
import type { Cell } from '@jupyterlab/cells';
import type * as nbformat from '@jupyterlab/nbformat';
import { type Notebook, NotebookActions, type NotebookPanel } from '@jupyterlab/notebook';
import type { ITranslator } from '@jupyterlab/translation';

import type { Backend } from '../model';
import type { Trans } from '../words';
import { Obstacle } from './complaints';

/** What a cell's metadata says under `alongside`. No secret: a notebook is shown to others. */
export interface Mark {
  backend: string;
  name: string;
}

const METADATA = 'alongside';
/** Milliseconds that a kernel has to start. */
const PATIENCE = 60_000;

/** The mark of a cell, if it has one. */
export function markOf(cell: Cell): Mark | null {
  const mark = cell.model.getMetadata(METADATA) as Partial<Mark> | undefined;
  return mark && typeof mark.backend === 'string' ? (mark as Mark) : null;
}

/** The cell that attaches this backend already: marked so, or with the very same code. */
export function findCell(notebook: Notebook, backend: Backend, code: string): Cell | null {
  const cells = notebook.widgets.filter(({ model }) => model.type === 'code');
  return (
    cells.find(cell => markOf(cell)?.backend === backend.id) ??
    cells.find(({ model }) => model.sharedModel.getSource().trim() === code) ??
    null
  );
}

/** The same as it is in a file, for dragging. */
export function cellContent(backend: Backend, code: string): nbformat.ICodeCell {
  return {
    cell_type: 'code',
    source: code,
    metadata: { [METADATA]: { backend: backend.id, name: backend.name } },
    outputs: [],
    execution_count: null
  };
}

/** Insert it above the active cell. */
export function insertCell(
  panel: NotebookPanel,
  backend: Backend,
  code: string,
  trans: Trans
): Cell {
  const notebook = panel.content;
  if (notebook.model?.readOnly) {
    throw new Obstacle(
      trans.__('This notebook can only be read.'),
      trans.__('Save a copy of it, and attach there.')
    );
  }
  const index = Math.max(0, notebook.activeCellIndex);
  // in one step, which one undo takes back; the active cell stays what it was
  notebook.model?.sharedModel.insertCell(index, cellContent(backend, code));
  const cell = notebook.widgets[index];
  if (!cell) {
    throw new Obstacle(trans.__('This notebook takes no cell.'), trans.__('Open it anew.'));
  }
  return cell;
}

/** Run it, once there is a kernel that understands it. True when it ran without an error. */
export async function runCell(
  panel: NotebookPanel,
  cell: Cell,
  dialogs: ISessionContextDialogs,
  translator: ITranslator,
  trans: Trans
): Promise<boolean> {
  await requirePython(panel.sessionContext, dialogs, trans);
  void panel.content.scrollToCell(cell);
  return await NotebookActions.runCells(
    panel.content,
    [cell],
    panel.sessionContext,
    dialogs,
    translator
  );
}

/** A kernel of Python is there; the user is asked for one if there is none. Throws Obstacle. */
export async function requirePython(
  session: ISessionContext,
  dialogs: ISessionContextDialogs,
  trans: Trans
): Promise<void> {
  const late = new Obstacle(
    trans.__('The kernel does not start.'),
    trans.__('Choose another kernel, or restart it, and attach again.')
  );
  await within(session.ready, late);
  if (session.hasNoKernel || !session.session?.kernel) {
    await dialogs.selectKernel(session); // as long as the user takes
  }
  const kernel = session.session?.kernel;
  if (!kernel) {
    throw new Obstacle(
      trans.__('There is no kernel to attach to.'),
      trans.__('Choose one, and attach again.')
    );
  }
  if (kernel.connectionStatus === 'disconnected' || kernel.status === 'dead') {
    throw new Obstacle(
      trans.__('The kernel is not alive.'),
      trans.__('Restart it, and attach again.')
    );
  }
  const { language_info: language } = await within(kernel.info, late);
  if (language.name !== 'python') {
    throw new Obstacle(
      trans.__('The code that attaches is Python, and this kernel runs %1.', language.name),
      trans.__('Choose a kernel of Python.')
    );
  }
}

async function within<T>(promise: Promise<T>, late: Error): Promise<T> {
  let timer = 0;
  const limit = new Promise<never>((_, reject) => {
    timer = window.setTimeout(() => reject(late), PATIENCE);
  });
  try {
    return await Promise.race([promise, limit]);
  } finally {
    clearTimeout(timer);
  }
}
