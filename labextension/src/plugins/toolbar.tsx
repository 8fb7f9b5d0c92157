/** Which backend a notebook's kernel is connected to, in the notebook's toolbar. */
import type { JupyterFrontEnd, JupyterFrontEndPlugin } from '@jupyterlab/application';
import { IToolbarWidgetRegistry } from '@jupyterlab/apputils';
import type { NotebookPanel } from '@jupyterlab/notebook';
import { ITranslator, nullTranslator } from '@jupyterlab/translation';
import { ReactWidget, UseSignal } from '@jupyterlab/ui-components';
import { Signal } from '@lumino/signaling';
import type { Widget } from '@lumino/widgets';

import { usable } from '../model';
import { CommandIDs, DOMAIN, IAlongside, IAttachments } from '../tokens';
import { pill } from './summary';

export const toolbar: JupyterFrontEndPlugin<void> = {
  id: 'jupyterhub-alongside:toolbar',
  description: 'Shows in a notebook which backend its kernel is connected to.',
  autoStart: true,
  requires: [IAlongside, IAttachments, IToolbarWidgetRegistry],
  optional: [ITranslator],
  activate: (
    app: JupyterFrontEnd,
    { store }: IAlongside,
    attachments: IAttachments,
    registry: IToolbarWidgetRegistry,
    translator: ITranslator | null
  ): void => {
    const trans = (translator ?? nullTranslator).load(DOMAIN);
    const changed = new Signal<object, void>({});
    store.changed.connect(() => changed.emit());
    attachments.changed.connect(() => changed.emit());
    const run = (command: string, id?: string) => {
      app.commands.execute(command, id ? { id } : {}).catch(error => console.warn(error));
    };

    function button(panel: NotebookPanel) {
      const backend = attachments.of(panel.sessionContext.session?.kernel?.id);
      if (backend) {
        const text = pill(backend, store.kind(backend), trans);
        return (
          <button
            type="button"
            className="alongside-Pill"
            aria-label={trans.__('Attached to %1', text)}
            title={trans.__('The kernel of this notebook is attached to “%1”', backend.name)}
            onClick={() => run(CommandIDs.open, backend.id)}
          >
            {text}
          </button>
        );
      }
      const some = [...store.backends.values()].some(usable);
      const enabled = app.commands.isEnabled(CommandIDs.attach);
      return some ? (
        <button
          type="button"
          className="alongside-Pill alongside-mod-none"
          title={
            enabled
              ? trans.__('Connect the kernel of this notebook to a cluster')
              : app.commands.caption(CommandIDs.attach) // why not
          }
          aria-disabled={!enabled}
          onClick={() => enabled && run(CommandIDs.attach)}
        >
          {trans.__('Attach')}
        </button>
      ) : null;
    }

    registry.addFactory<NotebookPanel>('Notebook', 'alongside', (panel): Widget => {
      const widget = ReactWidget.create(
        <UseSignal signal={changed}>{() => button(panel)}</UseSignal>
      );
      widget.addClass('alongside-PillItem');
      return widget;
    });
  }
};
