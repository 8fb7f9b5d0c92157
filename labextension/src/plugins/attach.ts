/** Attaching: the current notebook's or console's kernel is connected to a backend by code that
 * everybody can read. */
import type { JupyterFrontEnd, JupyterFrontEndPlugin } from '@jupyterlab/application';
import {
  ICommandPalette,
  type ISessionContext,
  ISessionContextDialogs,
  SessionContextDialogs
} from '@jupyterlab/apputils';
import { INotebookTracker, type NotebookPanel } from '@jupyterlab/notebook';
import { ITranslator, nullTranslator } from '@jupyterlab/translation';
import { linkIcon } from '@jupyterlab/ui-components';
import { MimeData } from '@lumino/coreutils';
import { Drag } from '@lumino/dragdrop';
import type { Widget } from '@lumino/widgets';
import { attachCode, reference } from '../code';
import type { Backend } from '../model';
import { CommandIDs, DOMAIN, IAlongside, IAttachments, IPreferences } from '../tokens';
import { Abouts } from './about';
import { Attachments } from './attachments';
import { cellContent, findCell, insertCell, markOf, requirePython, runCell } from './cells';
import { Obstacle, telling } from './complaints';
import { followNotebooks, hearKernels } from './kernels';

const CELLS = 'application/vnd.jupyter.cells';

/** A console, as far as its package need not be loaded for it. */
interface ConsolePanel extends Widget {
  console: { sessionContext: ISessionContext };
}

function isConsole(widget: Widget | null): widget is ConsolePanel {
  return !!(widget as Partial<ConsolePanel> | null)?.console?.sessionContext;
}

export const attach: JupyterFrontEndPlugin<IAttachments> = {
  id: 'jupyterhub-alongside:attach',
  description: 'Connects kernels to backends.',
  autoStart: true,
  provides: IAttachments,
  requires: [IAlongside, IPreferences],
  optional: [INotebookTracker, ITranslator, ICommandPalette, ISessionContextDialogs],
  activate: (
    app: JupyterFrontEnd,
    alongside: IAlongside,
    preferences: IPreferences,
    notebooks: INotebookTracker | null,
    translator: ITranslator | null,
    palette: ICommandPalette | null,
    sessionDialogs: ISessionContextDialogs | null
  ): IAttachments => {
    const { store } = alongside;
    const language = translator ?? nullTranslator;
    const trans = language.load(DOMAIN);
    const dialogs = sessionDialogs ?? new SessionContextDialogs({ translator: language });
    const attachments = new Attachments(store.backends);
    const code = (backend: Backend) =>
      attachCode(backend.kind, reference(backend, store.backends.values(), store.user));

    let last: NotebookPanel | ConsolePanel | null = null;
    const heard = new WeakSet<ConsolePanel>();
    app.shell.currentChanged?.connect((_, { newValue }) => {
      if (isConsole(newValue) && !heard.has(newValue)) {
        heard.add(newValue);
        hearKernels(newValue.console.sessionContext, attachments);
      }
      if (isConsole(newValue) || (newValue && notebooks?.has(newValue))) {
        last = newValue as NotebookPanel | ConsolePanel;
        attachments.touch();
      }
    });
    /** The notebook or console that was used last. */
    const target = () => {
      if (last?.isDisposed) {
        last = null;
      }
      const shown = app.shell.currentWidget;
      return isConsole(shown) ? shown : (last ?? notebooks?.currentWidget ?? null);
    };

    async function attachNotebook(panel: NotebookPanel, backend: Backend): Promise<void> {
      const text = code(backend);
      const found = findCell(panel.content, backend, text);
      const cell = found ?? insertCell(panel, backend, text, trans);
      if (preferences.current.attach === 'run') {
        await runCell(panel, cell, dialogs, language, trans);
      } else {
        void panel.content.scrollToCell(cell);
      }
    }

    async function attachConsole({ console }: ConsolePanel, backend: Backend): Promise<void> {
      const { sessionContext } = console;
      await requirePython(sessionContext, dialogs, trans);
      await app.commands.execute('console:inject', {
        path: sessionContext.path,
        code: code(backend),
        activate: true
      });
    }

    new Abouts(app, alongside, trans, palette).add(CommandIDs.attach, {
      label: trans.__('Attach'),
      caption: trans.__('Connect the current notebook or console to it'),
      icon: linkIcon,
      act: 'attach',
      run: async backend => {
        const panel = target();
        if (!panel) {
          throw new Obstacle(
            trans.__('No notebook or console is open.'),
            trans.__('Open one, and attach again.')
          );
        }
        await (isConsole(panel) ? attachConsole(panel, backend) : attachNotebook(panel, backend));
      }
    });

    if (notebooks) {
      followNotebooks(notebooks, {
        store,
        attachments,
        wanted: () => preferences.current.reattach,
        rerun: (panel, cell) => telling(trans, () => runCell(panel, cell, dialogs, language, trans))
      });
    }

    async function drag(backend: Backend, event: { clientX: number; clientY: number }) {
      const mimeData = new MimeData();
      mimeData.setData(CELLS, [cellContent(backend, code(backend))]);
      mimeData.setData('text/plain', code(backend));
      const image = document.createElement('div');
      image.className = 'alongside-DragImage';
      image.textContent = backend.name;
      const before = marked(backend);
      const dragged = new Drag({
        mimeData,
        dragImage: image,
        supportedActions: 'copy',
        proposedAction: 'copy',
        source: app
      });
      // what the mouse goes over meanwhile is not meant to be selected
      document.getSelection()?.removeAllRanges();
      document.body.classList.add('alongside-mod-dragging');
      const action = await dragged.start(event.clientX, event.clientY);
      document.body.classList.remove('alongside-mod-dragging');
      dragged.dispose();
      if (action === 'none' || preferences.current.attach !== 'run') {
        return;
      }
      const dropped = marked(backend).find(({ cell }) => !before.some(one => one.cell === cell));
      if (dropped) {
        const { panel, cell } = dropped;
        await telling(trans, () => runCell(panel, cell, dialogs, language, trans));
      }
    }

    /** The cells of open notebooks that attach it. */
    function marked(backend: Backend) {
      const found: { panel: NotebookPanel; cell: NotebookPanel['content']['widgets'][number] }[] =
        [];
      notebooks?.forEach(panel => {
        for (const cell of panel.content.widgets) {
          if (markOf(cell)?.backend === backend.id) {
            found.push({ panel, cell });
          }
        }
      });
      return found;
    }

    return {
      get current() {
        const panel = target();
        const session = isConsole(panel) ? panel.console.sessionContext : panel?.sessionContext;
        return attachments.of(session?.session?.kernel?.id);
      },
      changed: attachments.changed as unknown as IAttachments['changed'],
      of: kernel => attachments.of(kernel),
      kernels: backend => attachments.kernels(backend),
      forget: kernel => attachments.forget(kernel),
      drag
    };
  }
};
