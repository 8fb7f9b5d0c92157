/** An executed notebook, drawn by JupyterLab and changed in place as it goes on. */
import type { ICodeCellModel } from '@jupyterlab/cells';
import type { IEditorMimeTypeService } from '@jupyterlab/codeeditor';
import type * as nbformat from '@jupyterlab/nbformat';
import { NotebookModel, type NotebookPanel, StaticNotebook } from '@jupyterlab/notebook';
import type { IRenderMimeRegistry } from '@jupyterlab/rendermime';
import type { ITranslator } from '@jupyterlab/translation';
import type { IDisposable } from '@lumino/disposable';
import { Widget } from '@lumino/widgets';

import { changedCells, joined } from './cells';

export interface Drawing {
  rendermime: IRenderMimeRegistry;
  contentFactory: NotebookPanel.IContentFactory;
  mimeTypeService: IEditorMimeTypeService;
  translator: ITranslator;
}

export class LiveNotebook implements IDisposable {
  /** `host` is on the page already. What a notebook brings is not trusted: its scripts don't run. */
  constructor(host: HTMLElement, { translator, ...drawing }: Drawing) {
    this.widget = new StaticNotebook({
      ...drawing,
      translator,
      // cells are made at once: what is looked at is not typed into
      notebookConfig: { ...StaticNotebook.defaultNotebookConfig, windowingMode: 'none' }
    });
    this.widget.model = this.model;
    Widget.attach(this.widget, host);
  }

  get isDisposed(): boolean {
    return this.widget.isDisposed;
  }

  dispose(): void {
    this.widget.dispose();
    this.model.dispose();
  }

  /** Show it; `cell` is the code cell that it is at, from 1. It is brought into view only the first
   * time, so that nothing moves while somebody reads. */
  show(written: nbformat.INotebookContent, cell: number | null): void {
    const first = this.cells.length === 0;
    const content = { ...written, cells: written.cells.map(joined) };
    const changed = changedCells(this.cells, content.cells);
    if (changed === null || first) {
      this.model.fromJSON({ ...content, cells: content.cells.map(fixed) });
    } else {
      for (const place of changed) {
        this.update(place, content.cells[place] as nbformat.ICodeCell);
      }
    }
    this.cells = content.cells;
    const current = this.mark(cell);
    if (first && current) {
      current.node.scrollIntoView({ block: 'center' });
    }
  }

  private update(place: number, { outputs, execution_count }: nbformat.ICodeCell): void {
    const model = this.model.cells.get(place) as ICodeCellModel;
    model.outputs.fromJSON(outputs);
    model.executionCount = execution_count;
  }

  /** The cell that is marked now. */
  private mark(cell: number | null): Widget | null {
    let code = 0;
    let found: Widget | null = null;
    for (const widget of this.widget.widgets) {
      const here = widget.model.type === 'code' && ++code === cell;
      widget.toggleClass('alongside-mod-current', here);
      found = here ? widget : found;
    }
    return found;
  }

  private readonly model = new NotebookModel();
  private readonly widget: StaticNotebook;
  private cells: readonly nbformat.ICell[] = [];
}

/** A cell that nothing can be typed into. */
function fixed(cell: nbformat.ICell): nbformat.ICell {
  return { ...cell, metadata: { ...cell.metadata, editable: false } };
}
